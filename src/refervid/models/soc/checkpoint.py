"""Reading published checkpoints, reading and writing our own.

Own checkpoints are safetensors files whose header holds the configuration, and with it the tokenizer's
vocabulary. Published ones are pickled dictionaries; they are opened with `weights_only=True`, which
refuses everything but tensors and plain containers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from refervid.config.problems import problems_of
from refervid.core.errors import BadCheckpoint, MissingWeights
from refervid.core.files import atomic_file
from refervid.models.soc.config import VIDEO_SWIN, RobertaTextConfig, SocConfig, VideoSwinConfig
from refervid.models.soc.model import SOC
from refervid.models.soc.published_sizes import BACKBONE, BOX_ALIAS, published_config
from refervid.models.soc.video_swin import VideoSwin
from refervid.models.soc.windows import relative_position_index
from refervid.models.state import FindWeights, load_exactly, named_tensors, read_file, unfilled

_POSITIONS = "text_encoder.embeddings.position_ids"
_INDEX = ".relative_position_index"
_PROFILER = ("total_params", "total_ops")
"""Counters that the published scripts' profiler leaves behind."""
_POOLER = "pooler.dense.weight"

State = Mapping[str, Tensor]


def load_published(source: str | Path | Mapping[str, Any], config: SocConfig | None = None) -> SOC:
    """The network of a published checkpoint, in eval mode.

    `source` is a `.pth.tar` file (or what it holds, or a bare state dict; the network gets copies of its
    tensors). `config` None reads all sizes off the tensors' shapes; otherwise
    the checkpoint must fit it. Raises `MissingWeights` and `BadCheckpoint`; the latter lists the keys that
    do not fit.
    """
    content: Mapping[str, Any]
    if isinstance(source, str | Path):
        content, name = read_file(Path(source)), str(source)
    else:
        content, name = source, "the checkpoint"
    state = named_tensors(content.get("model_state_dict", content), name)
    state = {key: value for key, value in state.items() if not key.endswith(_PROFILER)}
    config = published_config(state) if config is None else config
    problems = _check_derived(state, config)
    own = _own_names(state)
    if content is source:
        own = {key: value.clone() for key, value in own.items()}
    model = SOC(config)
    load_exactly(model, own, name, problems)
    return model.eval()


def _own_names(state: State) -> dict[str, Tensor]:
    """Without what is stored twice or follows from the configuration."""
    own = {}
    for key, value in state.items():
        if not (key.startswith(BOX_ALIAS) or key == _POSITIONS or key.endswith(_INDEX)):
            own[key.replace(BACKBONE, "backbone.", 1)] = value
    return own


def _check_derived(state: State, config: SocConfig) -> list[str]:
    """Tensors that we compute or hold once must be what we take them for."""
    problems = []
    index = relative_position_index(config.backbone.window, torch.device("cpu"))
    for key, value in state.items():
        if key.startswith(BOX_ALIAS):
            name = key.removeprefix("transformer.decoder.")
            if name not in state or not torch.equal(state[name], value):
                problems.append(f"{key}: differs from {name}")
        elif key.endswith(_INDEX) and not torch.equal(value, index):
            problems.append(f"{key}: not the index of a window of {config.backbone.window}")
        elif key == _POSITIONS and not torch.equal(value, torch.arange(value.numel())[None]):
            problems.append(f"{key}: not 0, 1, 2, ...")
    return problems


def save(model: SOC, path: Path, dtype: torch.dtype = torch.float32) -> None:
    """Write weights (as `dtype`) and configuration to one safetensors file, atomically."""
    # Copies, as heads may be one under several names, which such a file may not hold.
    state = {key: value.detach().to("cpu", dtype, copy=True) for key, value in model.state_dict().items()}
    state = {key: value.contiguous() for key, value in state.items()}
    # Not `save_file`, whose files only their owner can read.
    data = to_bytes(state, metadata={"config": model.config.model_dump_json()})
    with atomic_file(path) as part:
        part.write_bytes(data)


def load(path: Path) -> SOC:
    """Read what `save` wrote, float32, in eval mode. Raises `MissingWeights` and `BadCheckpoint`."""
    config = _own_config(path)
    with unfilled():  # nothing takes memory before the tensors are known to fit
        model = SOC(config)
    load_exactly(model, read_file(path), path)
    return model.eval()


def needed_tokenizer(path: Path) -> str | None:
    """The hub id of the tokenizer that the checkpoint at `path` does not bring along; None if it has its own.

    Reads no weights. Raises `MissingWeights` and `BadCheckpoint`.
    """
    text = _own_config(path).text if path.suffix == ".safetensors" else RobertaTextConfig()
    return text.tokenizer if isinstance(text, RobertaTextConfig) else None


def _own_config(path: Path) -> SocConfig:
    if not path.is_file():
        raise MissingWeights(f"no checkpoint at {path}: train one or name another file")
    try:
        with safe_open(path, framework="pt") as file:
            return SocConfig.model_validate_json((file.metadata() or {}).get("config", ""))
    except (SafetensorError, ValidationError) as error:
        reason = problems_of(error) if isinstance(error, ValidationError) else error
        raise BadCheckpoint(f"{path} is no SOC checkpoint written by refervid: {reason}") from error


def with_new_classes(model: SOC, classes: int) -> SOC:
    """A copy for fine-tuning: all weights but those of the class heads, which start anew, as published."""
    copy = SOC(model.config.model_copy(update={"classes": classes}))
    state = {key: value for key, value in model.state_dict().items() if not key.startswith("class_embed.")}
    heads = {key: value for key, value in copy.state_dict().items() if key.startswith("class_embed.")}
    copy.load_state_dict(state | heads)
    return copy


def load_backbone(model: SOC, path: Path) -> None:
    """Give the backbone weights of its own: a Video Swin file of its authors (`.pth`), trained on Kinetics,
    or our own of the backbone alone (`.safetensors`). Raises `MissingWeights` and `BadCheckpoint`.
    """
    if path.suffix != ".safetensors":
        _load_kinetics(model.backbone, model.config.backbone, path)
        return
    load_exactly(model.backbone, read_file(path), path)


def kinetics_backbone(path: Path) -> VideoSwin:
    """A Video Swin file of its authors alone; its size is told by its name. Raises `BadCheckpoint`."""
    size = next((name for name in ("small", "base") if name in path.name), "tiny")
    config = VIDEO_SWIN[f"video-swin-{size[0]}"]
    backbone = VideoSwin(config)
    _load_kinetics(backbone, config, path)
    return backbone


def _load_kinetics(backbone: VideoSwin, config: VideoSwinConfig, path: Path) -> None:
    """The authors' patches span two frames, SOC's one: the kernel is summed over time. Their final norm and
    classifier are left out.
    """
    content = read_file(path)
    state = named_tensors(content.get("state_dict", content), path)
    own, problems = {}, []
    for key, value in state.items():
        name = key.replace("backbone.", "", 1)
        if name == key or name.startswith("norm."):
            continue
        if name.endswith("relative_position_index"):
            index = relative_position_index(config.window, torch.device("cpu"))
            if not torch.equal(value, index):
                problems.append(f"{key}: not the index of a window of {config.window}")
            continue
        if name == "patch_embed.proj.weight" and value.dim() == 5:
            value = value.sum(2, keepdim=True)
        if ".downsample." in name:
            name = name.replace(".downsample.", ".").replace("layers.", "downsamples.", 1)
        own[name] = value
    load_exactly(backbone, own, path, problems)


def load_roberta(model: SOC, find: FindWeights) -> None:
    """Give the text encoder the pretrained weights that its configuration names.

    Raises `MissingWeights` and `BadCheckpoint`.
    """
    config = model.config.text
    if not isinstance(config, RobertaTextConfig):
        raise BadCheckpoint(
            "this network has its own small text encoder, for which no pretrained weights exist"
        )
    folder = find(config.tokenizer)
    load_exactly(model.text_encoder, read_roberta(folder), folder)


def read_roberta(folder: Path) -> dict[str, Tensor]:
    """The text encoder's weights in a folder of the hub's. Raises `MissingWeights` and `BadCheckpoint`."""
    # Of FacebookAI/roberta-base only this file has the pooler: the safetensors file lacks it.
    path = folder / "pytorch_model.bin"
    path = path if path.is_file() else folder / "model.safetensors"
    state = {}
    for key, value in named_tensors(read_file(path), path).items():
        name = key.removeprefix("roberta.")
        if not name.startswith("lm_head.") and name != "embeddings.position_ids":
            state[name] = value
    if _POOLER not in state:
        raise BadCheckpoint(
            f"{path} lacks {_POOLER}, which SOC reads the sentence from: take FacebookAI/roberta-base's "
            "pytorch_model.bin, which has it (`refervid models pull FacebookAI/roberta-base`)"
        )
    return state
