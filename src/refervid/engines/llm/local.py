"""A vision-language model in this process, through transformers (Qwen3-VL and its kin)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from threading import Lock
from typing import Any, Self

import torch
from PIL import Image

from refervid.core.errors import BadCheckpoint, MissingExtra
from refervid.engines.base import Runtime
from refervid.engines.hub.parts import load_part
from refervid.engines.hub.weights import find_weights, load_pretrained, torch_dtype
from refervid.engines.llm.model import FREE, Prompt, Reply
from refervid.engines.llm.replies import problem_of
from refervid.media.pictures import decode_jpeg


class LocalModel:
    """Greedy decoding, so the same question gives the same answer. JSON is asked for in words."""

    prices = FREE

    def __init__(self, model: Any, processor: Any, name: str, device: str, max_tokens: int) -> None:
        self.name = name
        self._model = model.to(device)
        self._processor = processor
        self._device = device
        self._max_tokens = max_tokens
        self._lock = Lock()

    @classmethod
    def load(cls, weights: str, revision: str | None, runtime: Runtime, max_tokens: int) -> Self:
        """Raises `MissingWeights`, `BadCheckpoint`."""
        from transformers import AutoModelForImageTextToText

        folder = find_weights(weights, revision)
        dtype = torch_dtype(runtime.dtype, runtime.device)
        model = load_pretrained(AutoModelForImageTextToText, folder, dtype=dtype)
        processor = _processor(folder)
        precision = str(dtype).removeprefix("torch.")
        name = f"{weights} {_content(folder)} {precision} max_tokens={max_tokens}"
        return cls(model, processor, name, runtime.device, max_tokens)

    def reply(self, prompt: Prompt, most_output: int | None = None) -> Reply:
        most = min(self._max_tokens, most_output or self._max_tokens)
        picture = Image.fromarray(decode_jpeg(prompt.jpeg))
        content = [{"type": "image", "image": picture}, {"type": "text", "text": prompt.text}]
        with self._lock, torch.inference_mode():  # one model, one question at a time
            inputs = self._processor.apply_chat_template(
                [{"role": "user", "content": content}],
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                return_tensors="pt",
            ).to(self._device)
            asked = inputs["input_ids"].shape[1]
            output = self._model.generate(**inputs, max_new_tokens=most, do_sample=False)
        answer = output[0, asked:]
        text = self._processor.batch_decode(answer[None], skip_special_tokens=True)[0]
        return Reply(text, asked, len(answer), problem_of(text, cut=len(answer) >= most))


def _processor(folder: Path) -> Any:
    """A model's preprocessor; of one that is for videos too, and wants torchvision for them, without that
    part: it is shown pictures alone.
    """
    import transformers

    try:
        return load_part(transformers.AutoProcessor, folder)
    except BadCheckpoint as error:
        if not _wants_torchvision(error):
            raise
        pictures = _picture_processor(folder)
        tokenizer = load_part(transformers.AutoTokenizer, folder)
        settings = json.loads((folder / "preprocessor_config.json").read_text("utf-8"))
        kind = getattr(transformers, str(settings.get("processor_class")), None)
        if not isinstance(kind, type) or not issubclass(kind, transformers.ProcessorMixin):
            raise

        class PicturesAlone(kind):  # type: ignore[valid-type,misc]
            """Takes None for the part that is missing."""

            def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
                return argument and super().check_argument_for_proper_class(argument_name, argument)

        template = _chat_template(folder) or tokenizer.chat_template
        return PicturesAlone(image_processor=pictures, tokenizer=tokenizer, chat_template=template)


def _picture_processor(folder: Path) -> Any:
    from transformers import AutoImageProcessor

    try:
        return load_part(AutoImageProcessor, folder)
    except BadCheckpoint as error:
        if not _wants_torchvision(error):
            raise
        raise MissingExtra(
            f"the model in {folder} prepares its pictures with torchvision: install the one made for your "
            "torch, or ask the model through a server (--set chooser.kind=server)"
        ) from error


def _wants_torchvision(error: BadCheckpoint) -> bool:
    """transformers says it in errors of several kinds."""
    return "torchvision" in str(error.__cause__).lower()


def _chat_template(folder: Path) -> str | None:
    """Where it stands in a file of its own."""
    file = folder / "chat_template.jinja"
    return file.read_text("utf-8") if file.is_file() else None


def _content(folder: Path) -> str:
    """Tells the files in `folder` from others that lie there later: the commit of a hub's snapshot, else a
    digest of names, sizes and times.
    """
    if folder.parent.name == "snapshots":
        return folder.name
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    stats = [(str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return hashlib.sha256(repr(stats).encode()).hexdigest()[:12]
