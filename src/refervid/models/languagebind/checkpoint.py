"""Loading a LanguageBind folder: `config.json` with `model.safetensors` or `pytorch_model.bin`."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from refervid.config.problems import problems_of
from refervid.core.errors import BadCheckpoint
from refervid.core.files import read_json
from refervid.models.languagebind.config import LanguageBindConfig
from refervid.models.languagebind.model import LanguageBind
from refervid.models.state import load_exactly, read_file, unfilled

_POSITIONS = "embeddings.position_ids"
"""Counts from 0; in older files only, and not needed."""


def load_languagebind(folder: Path) -> LanguageBind:
    """The network in evaluation mode. Raises `BadCheckpoint`."""
    try:
        config = LanguageBindConfig.model_validate(read_json(folder / "config.json"))
    except (OSError, ValueError) as error:
        reason = problems_of(error) if isinstance(error, ValidationError) else error
        raise BadCheckpoint(f"{folder} holds no `config.json` of LanguageBind ({reason})") from error
    file = folder / "model.safetensors"
    state = read_file(file if file.is_file() else folder / "pytorch_model.bin")
    if any("lora_" in key for key in state):
        raise BadCheckpoint(
            f"{folder} holds LoRA weights, which are not supported: take the fully fine-tuned model, whose "
            "name ends in _FT"
        )
    with unfilled():
        model = LanguageBind(config)
    load_exactly(model, {key: value for key, value in state.items() if not key.endswith(_POSITIONS)}, folder)
    return model.eval()
