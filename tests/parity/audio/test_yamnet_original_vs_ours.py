"""YAMNet: the Keras network's numbers, through a file like the published one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import pytest
import torch
from torch import Tensor

from refervid.models.audio_features import mel_weights
from refervid.models.yamnet import PATCH_SAMPLES, Yamnet, front_end, load_yamnet
from tests.parity.audio.published import arrays, check, facts, sound
from tests.parity.fill import fill


def published_file(path: Path, variance: float, dense: str = "dense") -> Path:
    """`yamnet.h5` as Keras writes it: a group per layer, with the tensor's whole name once more inside."""
    with h5py.File(path, "w") as file:
        for entry in facts("yamnet_keys"):
            values = fill(entry["name"], tuple(entry["shape"])).transpose(entry["to_keras"])
            if entry["name"].endswith("running_var"):
                values = values * variance
            name = entry["keras"].replace("dense", dense)
            file[f"{name.rsplit('/', 1)[0]}/{name}"] = values
    return path


@pytest.fixture(scope="module")
def windows() -> Tensor:
    return sound("yamnet.wave", 16000, 4 * PATCH_SAMPLES).reshape(4, PATCH_SAMPLES)


@pytest.fixture(scope="module", params=[("plain", 1.0, "dense"), ("half", 0.5, "dense_1")])
def filled_network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    fill_name, variance, dense = request.param
    path = tmp_path_factory.mktemp("yamnet") / "yamnet.h5"
    return fill_name, load_yamnet(published_file(path, variance, dense))


def test_front_end(windows: Tensor) -> None:
    check("yamnet", "mel_matrix", mel_weights(64, 125.0, 7500.0, torch.float64), 1e-6)
    check("yamnet", "patches", front_end(windows)[:, ::2], 1e-5)
    odd = front_end(sound("yamnet.odd", 16000, 30123))
    assert len(odd) == arrays("yamnet")["odd_frames"]
    check("yamnet", "odd_mel", odd[::5], 1e-5)


@torch.inference_mode()
def test_network(filled_network: tuple[str, Yamnet], windows: Tensor) -> None:
    torch.set_num_threads(1)
    fill_name, network = filled_network
    seen: dict[str, Tensor] = {}

    def record(name: str) -> Any:
        return lambda module, inputs, output: seen.__setitem__(name, output)

    hooks = [
        network.get_submodule(name).register_forward_hook(record(name))
        for name in ("layer1", "layer2", "layer3", "layer3.depthwise_conv_bn")
    ]
    embeddings = network.embed(windows)
    for hook in hooks:
        hook.remove()
    if fill_name == "plain":
        seen["layer3_depthwise"] = seen["layer3.depthwise_conv_bn"].relu()
        for name in ("layer1", "layer2", "layer3_depthwise", "layer3"):
            check("yamnet", name, seen[name][:2, ::8, ::8, ::8], 1e-5)
    check("yamnet", f"embedding_{fill_name}", embeddings, 1e-5)
    check("yamnet", f"scores_{fill_name}", network.classify(embeddings), 1e-5)
