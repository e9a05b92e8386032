"""Making sure that the checkpoints on this machine are what they should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from refervid.config.environment import Environment
from refervid.core.errors import BadCheckpoint, RefervidError
from refervid.core.manifest import mark_of
from refervid.engines.base import Runtime
from refervid.engines.hub.checkpoints import (
    CHECKPOINTS,
    Checkpoint,
    pinned_revision,
    read_pulled,
    weight_files,
)
from refervid.engines.hub.parts import model_type_of
from refervid.engines.hub.weights import find_weights
from refervid.engines.registry import Role, build_engine


@dataclass(frozen=True)
class Verified:
    """`hashes` by file: True as published, False different, None nothing to compare with.

    `loads` is None where loading was not tried; `problem` says in words what is wrong.
    """

    name: str
    path: Path
    revision: str | None
    hashes: Mapping[str, bool | None]
    loads: bool | None
    problem: str | None


def verify(weights: str, *, load: bool = True) -> Verified:
    """Compare the weights' SHA-256 with the published ones, and try to load them.

    `weights` is a hub id, a published file's name, or the path of a file or folder of one's own. Raises
    `MissingWeights` if it is not there.
    """
    path = find_weights(weights)
    files = [path] if path.is_file() else _files_of(path, CHECKPOINTS.get(weights))
    expected = _expected_hashes(weights)
    hashes = {file.name: _compare(file, expected.get(file.name)) for file in files}
    problem = None if files else f"there are no weights in {path}"
    if wrong := [name for name, same in hashes.items() if same is False]:
        problem = f"{', '.join(wrong)}: not what was published, download it again"
    loads = None
    if load and problem is None:
        try:
            load_checkpoint(weights, Runtime("cpu", "float32", False, Environment().cache))
            loads = True
        except RefervidError as error:
            loads, problem = False, str(error)
    return Verified(weights, path, pinned_revision(weights), hashes, loads, problem)


def _expected_hashes(weights: str) -> dict[str, str]:
    known = CHECKPOINTS.get(weights) or CHECKPOINTS.get(Path(weights).name)
    if known is not None and known.sha256 is not None:
        return {known.files[0]: known.sha256}
    pulled = read_pulled().get(weights)
    return {} if pulled is None else dict(pulled.sha256)


def _files_of(folder: Path, known: Checkpoint | None) -> list[Path]:
    """The weights; an own copy of a known checkpoint may have them in other files than the published ones."""
    names = [file.name for file in folder.iterdir()]
    return [folder / name for name in weight_files(names, known) or weight_files(names, None)]


def _compare(file: Path, expected: str | None) -> bool | None:
    return mark_of(file)["sha256"] == expected if expected else None


def load_checkpoint(weights: str, runtime: Runtime) -> object:
    """The engine or network that a checkpoint is for, told by a file's name or a folder's `config.json`.

    Raises `MissingWeights`, `BadCheckpoint`.
    """
    path = find_weights(weights)
    if path.is_file():
        return _load_file(path, runtime)
    kind = model_type_of(path)
    if kind == "roberta":
        return _load_roberta(path)
    if kind == "LanguageBindImage":
        return _build("namer", "languagebind", path, runtime)
    if kind not in _ENGINES:
        raise BadCheckpoint(f"{path} holds a {kind!r} model, which no engine here runs")
    return _build(*_ENGINES[kind], path, runtime)


def _load_file(path: Path, runtime: Runtime) -> object:
    if path.suffix == ".h5":
        from refervid.models.yamnet import load_yamnet

        return load_yamnet(path)
    if path.name.startswith("BEATs"):
        from refervid.models.beats import load_beats

        return load_beats(path)[0]
    if path.name.startswith("swin_"):
        return _load_swin(path)
    if path.suffix in (".tar", ".safetensors"):
        from refervid.models.soc import load, load_published

        return load(path) if path.suffix == ".safetensors" else load_published(path)
    return _build("tracker", "sam2", path, runtime)


def _load_swin(path: Path) -> object:
    from refervid.models.soc.checkpoint import kinetics_backbone

    return kinetics_backbone(path)


def _load_roberta(folder: Path) -> object:
    from refervid.models.soc.checkpoint import read_roberta
    from refervid.models.soc.config import RobertaTextConfig
    from refervid.models.soc.text import build_text_encoder
    from refervid.models.soc.tokenizer import RobertaTokenizer
    from refervid.models.state import load_exactly

    config = RobertaTextConfig()
    RobertaTokenizer(config, folder)
    encoder = build_text_encoder(config)
    load_exactly(encoder, read_roberta(folder), folder)
    return encoder


def _build(role: Role, kind: str, path: Path, runtime: Runtime) -> object:
    return build_engine(role, {"kind": kind, "weights": str(path)}, runtime)


_ENGINES: Mapping[str, tuple[Role, str]] = {
    "grounding-dino": ("detector", "grounding-dino"),
    "mm-grounding-dino": ("detector", "grounding-dino"),
    "owlv2": ("detector", "owlv2"),
    "sam2_video": ("tracker", "sam2"),
    "edgetam_video": ("tracker", "edgetam"),
    "audio-spectrogram-transformer": ("tagger", "ast"),
    "clap": ("binder", "clap"),
    "LanguageBindAudio": ("binder", "languagebind"),
    "qwen3_vl": ("chooser", "local"),
}
"""The `model_type` of a folder to the engine that runs it."""
