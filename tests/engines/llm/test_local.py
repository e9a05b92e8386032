"""The model in this process: a tiny real LLaVA with random weights, in the folder form of the hub."""

from __future__ import annotations

import json
import os
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)

from refervid.core.errors import BadCheckpoint, MissingExtra, ReplyCut
from refervid.engines.base import Dtype, Runtime
from refervid.engines.llm.asking import Inquiry
from refervid.engines.llm.cache import AnswerCache
from refervid.engines.llm.local import LocalModel
from refervid.engines.llm.model import Prompt
from refervid.engines.llm.spending import Ledger
from refervid.media.pictures import encode_jpeg
from tests.engines.llm.qwen import prepares_pictures, qwen_folder

WORDS = ["<unk>", "<pad>", "<image>", "<end>", "which", "frame", "[1]"]
NETWORK = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
PROMPT = Prompt("frame-v1", "which frame", encode_jpeg(np.zeros((40, 50, 3), np.uint8)))
CHAT = "{% for part in messages[0]['content'] %}{{ part['text'] or '<image> ' }}{% endfor %}"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("llava")
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(image_size=28, patch_size=14, **NETWORK),
        text_config=LlamaConfig(
            vocab_size=len(WORDS), pad_token_id=1, bos_token_id=3, eos_token_id=3, **NETWORK
        ),
        image_token_index=2,
        image_seq_length=4,
        vision_feature_layer=-1,
    )
    model = LlavaForConditionalGeneration(config)
    torch.nn.init.zeros_(model.lm_head.weight)  # so that it says the first word for ever
    model.save_pretrained(folder)
    words = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="<unk>", pad_token="<pad>", additional_special_tokens=["<image>"]
    )
    pictures = CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    LlavaProcessor(
        pictures,
        tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        chat_template=CHAT,
        num_additional_image_tokens=1,
    ).save_pretrained(folder)
    return folder


@pytest.fixture
def folder(published: Path, tmp_path: Path) -> Path:
    return copytree(published, tmp_path / "llava")


def load(folder: Path, max_tokens: int = 8, dtype: Dtype = "float32") -> LocalModel:
    return LocalModel.load(str(folder), None, Runtime("cpu", dtype, False, folder), max_tokens)


def test_an_answer_without_end_is_cut(folder: Path) -> None:
    reply = load(folder).reply(PROMPT)
    assert isinstance(reply.problem, ReplyCut)
    assert "chooser.max_tokens" in str(reply.problem)
    assert reply.output_tokens == 8


def test_an_answer_that_is_none_is_counted_all_the_same(folder: Path, tmp_path: Path) -> None:
    ledger = Ledger()
    asked = Inquiry(AnswerCache(tmp_path / "answers.sqlite"), ledger).ask(load(folder), PROMPT, str)
    assert (asked.answer, asked.source) == (None, "fallback")
    assert (ledger.asked, ledger.output_tokens, ledger.spent) == (2, 16, 0)


@prepares_pictures
def test_pictures_need_no_torchvision_unless_the_model_says_so(tmp_path: Path) -> None:
    qwen = qwen_folder(tmp_path / "qwen")
    assert load(qwen).reply(PROMPT).output_tokens == 8
    settings = json.loads((qwen / "preprocessor_config.json").read_text())
    settings |= {"image_processor_type": "Molmo2ImageProcessor", "processor_class": "Molmo2Processor"}
    (qwen / "preprocessor_config.json").write_text(json.dumps(settings))
    with pytest.raises(MissingExtra, match="torchvision"):
        load(qwen)


def test_whatever_changes_its_answers_is_in_its_name(folder: Path) -> None:
    before = load(folder).name
    assert load(folder).name == before
    assert load(folder, max_tokens=16).name != before
    assert load(folder, dtype="bfloat16").name != before
    weights = folder / "model.safetensors"
    changed = weights.stat().st_mtime_ns + 1_000_000_000
    os.utime(weights, ns=(changed, changed))
    assert load(folder).name != before


def test_a_snapshot_of_the_hub_has_its_commit_for_a_name(folder: Path, tmp_path: Path) -> None:
    commit = "89644892e4d85e24eaac8bacfd4f463576704203"
    assert f" {commit} " in load(copytree(folder, tmp_path / "snapshots" / commit)).name


@pytest.mark.parametrize("file", ["tokenizer.json", "processor_config.json", "config.json"])
def test_damaged_files_are_named(file: str, folder: Path) -> None:
    content = (folder / file).read_bytes()
    (folder / file).write_bytes(content[: len(content) // 2])
    with pytest.raises(BadCheckpoint, match=r"llava cannot be .*: download \w+ again"):
        load(folder)
