"""What lies beside a network's weights: configuration, tokenizer and preprocessor."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from refervid.core.errors import BadCheckpoint
from refervid.core.files import read_json


def model_type_of(folder: Path) -> str:
    """transformers' name of the kind of model that a local folder holds. Raises `BadCheckpoint`."""
    try:
        return str(read_json(folder / "config.json")["model_type"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadCheckpoint(
            f"{folder} holds no config.json that names a model_type ({error}): download it again"
        ) from error


def load_part(part_class: Any, folder: Path) -> Any:
    """A transformers tokenizer or preprocessor from a local folder. Raises `BadCheckpoint`."""
    try:
        return part_class.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # the libraries below raise whatever their parsers raise
        kind = "tokenizer" if "Tokenizer" in part_class.__name__ else "preprocessor"
        raise BadCheckpoint(
            f"the files of the {kind} in {folder} cannot be read ({error}): download them again"
        ) from error
