"""The acceptance test of a machine: every checkpoint that is here runs on the demo's clip.

Its numbers are held against kept ones: those that come with refervid (of `soc-nano`, in `acceptance.json`),
else those of the first run on this machine, which are kept in the cache folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import islice
from time import perf_counter
from typing import Any, cast

import numpy as np

from refervid.config.environment import Environment
from refervid.core.errors import MissingWeights, RefervidError
from refervid.core.files import set_aside, write_text
from refervid.core.types import Pivot, Waveform, no_hook
from refervid.datasets.demo import SAMPLE_RATE, TEXTS, demo_frames, demo_sound
from refervid.engines.base import DetectorRequest, Runtime, Tagger, Tracker
from refervid.engines.combinations import CombinationBinder
from refervid.engines.grounding_dino import GroundingDinoDetector
from refervid.engines.hub.digests import weights_digest
from refervid.engines.hub.verification import load_checkpoint
from refervid.engines.owlv2 import Owlv2Detector
from refervid.media.array import ArrayClip
from refervid.models.soc.shipped import SHIPPED, shipped_path

FRAMES = 4
TEXT = next(iter(TEXTS))
LARGEST_DIFFERENCE = 0.02
"""Of any number, against the largest one kept: devices round in different ways, and pixels at a rim flip."""


@dataclass(frozen=True)
class Accepted:
    """`numbers` came out in `seconds`, loading included; `difference` is the largest to those that are kept,
    None on the first run. `problem` says in words what is wrong.
    """

    name: str
    seconds: float
    numbers: tuple[float, ...]
    difference: float | None
    problem: str | None


def accept(weights: str, runtime: Runtime) -> Accepted:
    """Runs a checkpoint and compares its numbers. Raises `MissingWeights` if it is not here."""
    path = shipped_path() if weights == SHIPPED else None
    digest = weights_digest(str(path or weights))
    start = perf_counter()
    try:
        numbers = tuple(round(float(one), 6) for one in _run(str(path or weights), runtime))
    except MissingWeights:
        raise
    except RefervidError as error:
        return Accepted(weights, perf_counter() - start, (), None, str(error))
    seconds = perf_counter() - start
    if not np.isfinite(numbers).all():
        return Accepted(weights, seconds, numbers, None, "it answers with numbers that are not finite")
    kept = _kept_numbers(f"{digest} {runtime.dtype}", numbers)
    if kept is None:
        return Accepted(weights, seconds, numbers, None, None)
    if len(kept) != len(numbers):
        return Accepted(weights, seconds, numbers, None, f"{len(numbers)} numbers in place of {len(kept)}")
    scale = max((abs(one) for one in kept), default=1.0) or 1.0
    difference = max((abs(a - b) for a, b in zip(kept, numbers, strict=True)), default=0.0) / scale
    wrong = difference > LARGEST_DIFFERENCE
    problem = f"its numbers differ by {100 * difference:.1f} % from those that are kept" if wrong else None
    return Accepted(weights, seconds, numbers, difference, problem)


def _run(weights: str, runtime: Runtime) -> Sequence[float]:
    """A few numbers that everything in the network has a part in; none where it only loads."""
    from refervid.models.beats import Beats
    from refervid.models.soc import SOC
    from refervid.models.yamnet import Yamnet

    loaded: Any = load_checkpoint(weights, runtime)
    if isinstance(loaded, SOC):
        return _segmented(loaded, runtime)
    if isinstance(loaded, GroundingDinoDetector | Owlv2Detector):
        return _detected(loaded)
    if isinstance(loaded, CombinationBinder):
        return cast(Sequence[float], loaded.similarity(["a ball", "a car"], [_sound()]).ravel())
    if isinstance(loaded, Beats | Yamnet):
        return _heard(loaded)
    if hasattr(loaded, "track"):
        return _tracked(loaded)
    if hasattr(loaded, "tag"):
        return [label.score for label in cast(Tagger, loaded).tag(_sound())]
    return ()


def _segmented(network: Any, runtime: Runtime) -> Sequence[float]:
    from refervid.engines.hub.weights import find_weights, torch_dtype
    from refervid.models.soc.inference import Segmenter
    from refervid.models.soc.tokenizer import build_tokenizer

    segmenter = Segmenter(
        network.to(runtime.device),
        build_tokenizer(network.config.text, find_weights),
        device=runtime.device,
        dtype=torch_dtype(runtime.dtype, runtime.device),
    )
    [track] = segmenter.segment(_clip(), [TEXT])
    return [*(track.areas() / (track.height * track.width)), *track.presence]


def _detected(detector: GroundingDinoDetector | Owlv2Detector) -> Sequence[float]:
    clip = _clip()
    [[best]] = detector.detect(clip, [DetectorRequest(0, TEXT, last_resort=True)])
    return [best.score, *(best.box_xyxy / np.array([clip.width, clip.height] * 2))]


def _tracked(tracker: Tracker) -> Sequence[float]:
    clip = _clip()
    [track] = tracker.track(clip, [[Pivot(0, mask=_first()[1])]], no_hook)
    return cast(Sequence[float], track.areas() / (clip.height * clip.width))


def _heard(network: Any) -> Sequence[float]:
    import torch

    from refervid.models.audio_features import resample

    samples = resample(torch.from_numpy(_sound().samples), SAMPLE_RATE)
    with torch.inference_mode():
        return cast(Sequence[float], network(samples[None, :15_600])[0].topk(5).values.tolist())


@cache
def _first() -> tuple[Any, Any]:
    """The first frames (T, H, W, 3), and the ball's mask on the first."""
    frames = list(islice(demo_frames(), FRAMES))
    return np.stack([frame.picture for frame in frames]), frames[0].masks[TEXTS[TEXT]]


def _clip() -> ArrayClip:
    return ArrayClip(_first()[0], fps=25.0, name="demo")


def _sound() -> Waveform:
    return Waveform(demo_sound()[: 3 * SAMPLE_RATE], SAMPLE_RATE, name="demo")


def _kept_numbers(key: str, numbers: Sequence[float]) -> list[float] | None:
    """Those of `key`; on the first run None, and `numbers` are kept."""
    with_refervid = json.loads((files(__package__) / "acceptance.json").read_text("utf-8"))
    if key in with_refervid:
        return cast(list[float], with_refervid[key])
    file = Environment().cache / "acceptance.json"
    try:
        own: Mapping[str, Any] = dict(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, TypeError):  # a damaged file counts as none
        own = {}
    if isinstance(own.get(key), list):
        return [float(one) for one in own[key]]
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.exists() and not own:
        set_aside(file)
    write_text(file, json.dumps({**own, key: list(numbers)}, indent=1))
    return None
