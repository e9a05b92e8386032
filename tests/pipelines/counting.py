"""Counts what goes through the expensive networks, by hooks on the real modules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook

COUNTED = {
    "ImageEncoder": "SAM 2 frames",
    "Sam3VisionModel": "SAM 3 frames",
    "SwinBackbone": "detector frames",
    "GroundingDinoModel": "detector runs",
    "BertModel": "detector texts",
    "PositionalConvolution": "BEATs sounds",
    "CLIPVisionModel": "LanguageBind sounds",
    "CLIPTextModel": "LanguageBind texts",
}
"""A module's class to what its batch consists of."""


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Entries of the batches that go through each network within the block."""
    runs: Counter[str] = Counter()

    def count(module: nn.Module, args: tuple[Any, ...], options: dict[str, Any], output: Any) -> None:
        name = COUNTED.get(type(module).__name__)
        if name is not None:
            batch = next(value for value in (*args, *options.values()) if isinstance(value, Tensor))
            runs[name] += len(batch)

    handle = register_module_forward_hook(count, with_kwargs=True)
    try:
        yield runs
    finally:
        handle.remove()
