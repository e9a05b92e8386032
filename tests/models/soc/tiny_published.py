"""SOC as its authors publish it, in a size that runs in a moment: checkpoint, and RoBERTa's four files."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from refervid.models.soc import SOC, RobertaTextConfig, SocConfig, VideoSwinConfig, VocConfig
from refervid.models.soc.text import build_text_encoder
from refervid.models.soc.windows import relative_position_index

_PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
SYMBOLS = [chr(byte) for byte in _PRINTABLE] + [chr(256 + n) for n in range(256 - len(_PRINTABLE))]
"""What RoBERTa's tokenizer calls the 256 bytes."""
VOCABULARY = ("<s>", "<pad>", "</s>", "<unk>", *SYMBOLS, "<mask>")
TEXT = RobertaTextConfig(
    vocabulary_size=len(VOCABULARY), width=64, layers=1, heads=1, feed_forward=32, positions=66
)


def small_published(classes: int = 1) -> SocConfig:
    """Sizes that the published code could be given, of which shapes tell all."""
    return SocConfig(
        backbone=VideoSwinConfig(embed_dim=16, depths=(1, 1, 1, 1), heads=(1, 1, 2, 2)),
        text=TEXT,
        voc=VocConfig(encoder_layers=2, decoder_layers=1),
        classes=classes,
        width=128,
        feed_forward=64,
        queries=5,
        encoder_layers=1,
        decoder_layers=2,
        points=2,
    )


def published_state(model: SOC) -> dict[str, torch.Tensor]:
    """The state dict as the published code would have stored it."""
    state = {}
    index = relative_position_index(model.config.backbone.window, torch.device("cpu"))
    for key, value in model.state_dict().items():
        key = key.replace("backbone.", "backbone.0.body.", 1) if key.startswith("backbone.") else key
        state[key] = value
        if key.startswith("bbox_embed.") and model.config.box_refinement:
            state[f"transformer.decoder.{key}"] = value
        if key.endswith("relative_position_bias_table"):
            state[key.replace("bias_table", "index")] = index
    positions = model.config.text.positions if isinstance(model.config.text, RobertaTextConfig) else 514
    state["text_encoder.embeddings.position_ids"] = torch.arange(positions)[None]
    state["backbone.total_ops"] = torch.zeros(1)
    return state


def soc_file(path: Path, classes: int = 1) -> Path:
    torch.manual_seed(0)
    state = published_state(SOC(small_published(classes)))
    torch.save({"epoch": 4, "model_state_dict": state, "optimizer_state_dict": {}}, path)
    return path


def kinetics_file(path: Path) -> Path:
    """Video Swin as its authors publish it: patches of two frames, a final norm, and a classifier."""
    torch.manual_seed(1)
    file = {"cls_head.fc.weight": torch.zeros(3), "backbone.norm.weight": torch.zeros(128)}
    for key, value in SOC(small_published()).backbone.state_dict().items():
        name = key
        if key.startswith("downsamples."):
            stage, rest = key.removeprefix("downsamples.").split(".", 1)
            name = f"layers.{stage}.downsample.{rest}"
        if key == "patch_embed.proj.weight":
            value = value.repeat(1, 1, 2, 1, 1) / 2
        file[f"backbone.{name}"] = value
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"state_dict": file}, path)
    return path


def roberta_folder(folder: Path) -> Path:
    """The four files that SOC's page names: config.json, pytorch_model.bin, tokenizer.json, vocab.json."""
    from transformers import RobertaTokenizerFast

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(VOCABULARY)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    RobertaTokenizerFast.from_pretrained(folder).save_pretrained(folder / "saved")
    (folder / "saved" / "tokenizer.json").rename(folder / "tokenizer.json")
    for file in (folder / "saved").iterdir():
        file.unlink()
    (folder / "saved").rmdir()
    (folder / "merges.txt").unlink()
    (folder / "config.json").write_text('{"model_type": "roberta"}')
    torch.manual_seed(0)
    encoder = build_text_encoder(TEXT)
    torch.save(
        {f"roberta.{key}": value for key, value in encoder.state_dict().items()}, folder / "pytorch_model.bin"
    )
    return folder
