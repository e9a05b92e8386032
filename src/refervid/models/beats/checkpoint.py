"""Loading the published `.pt` files of BEATs."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from refervid.config.problems import problems_of
from refervid.core.errors import BadCheckpoint
from refervid.models.beats.config import BeatsConfig
from refervid.models.beats.model import Beats
from refervid.models.state import load_exactly, read_file, unfilled


def load_beats(path: Path) -> tuple[Beats, list[str]]:
    """The network of a published file in evaluation mode, and the AudioSet id of each of its classes.

    Without a predictor (pre-trained files) there are no classes. Raises `BadCheckpoint`.
    """
    content = read_file(path)
    if not isinstance(content.get("cfg"), dict) or not isinstance(content.get("model"), dict):
        raise BadCheckpoint(
            f"{path} has no `cfg` and `model`: give a checkpoint file of BEATs (microsoft/unilm)"
        )
    try:
        config = BeatsConfig.model_validate(content["cfg"])
    except ValidationError as error:
        raise BadCheckpoint(
            f"{path} describes a network that is not supported: {problems_of(error)}"
        ) from error
    with unfilled():
        model = Beats(config)
    load_exactly(model, content["model"], path)
    return model.eval(), _classes(content, config, path)


def _classes(content: dict[str, object], config: BeatsConfig, path: Path) -> list[str]:
    if not config.finetuned_model:
        return []
    labels = content.get("label_dict")
    expected = range(config.predictor_class)
    if (
        not isinstance(labels, dict)
        or set(labels) != set(expected)
        or not all(isinstance(label, str) for label in labels.values())
    ):
        raise BadCheckpoint(f"{path}: its `label_dict` does not name the classes 0 to {expected[-1]}")
    return [labels[index] for index in expected]
