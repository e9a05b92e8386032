"""How well and how fast the embedded tracker holds what it was pointed at, and what its parts are worth.

    PYTHONPATH=. python bench/tracker.py ../shared/data/davis16 [WHAT ...] [--json FILE] [--frames N]

Everything is measured, or of these what is named; FILE is brought up to date:

"all parts"     J&F of DAVIS development clips over all frames, from the true mask of the first frame and from
                the true box of the middle one
"without flow"  ... the same without optical flow; "without features" (their votes and linear test); "without
                decoder"; "without memory" (all but the pivot's)
scenes          mean J of made-up scenes
swaps           100 made-up clips of look-alikes that cross: a swap is a track that ends on the other
speed           frames a second at 480p with 1 and 8 objects, without the analysis that `lite` shares
rules           what choices made with these clips in sight are worth when every clip is left out in turn
length          peak memory of a clip of 18 000 frames against one of 300
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from unittest import mock

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Frame, Mask, Pivot, no_hook
from refervid.engines.lite.analysis import Analyses
from refervid.engines.lite.tracker import EmbeddedTracker, seed, target
from refervid.engines.lite.tracker.crop import GRID, Plane
from refervid.engines.lite.tracker.memory import Memory
from refervid.engines.lite.tracker.sight import Eyes, Found, Sight
from refervid.engines.lite.tracker.target import Target
from refervid.media.array import ArrayClip
from refervid.media.clip import Clip
from refervid.media.folder import FolderClip
from refervid.metrics.boundary import boundary_f
from refervid.metrics.region import jaccard
from tests.engines.made_clips import iou
from tests.engines.made_scenes import SCENES, look_alikes_crossing

PARTS = ("flow", "features", "decoder", "memory")
SEEDS = 100
LENGTHS = 300, 18_000
TRIED: dict[str, tuple[ModuleType, tuple[object, ...]]] = {
    "TRUST": (target, (0.25, 0.5, 0.75, 1.0)),
    "MASK_WEIGHT": (target, (0.0, 1 / 3, 2 / 3, 1.0)),
    "LOOKS": (seed, (((1.5, False),), ((1.4, False), (1.7, True)), ((1.3, True), (1.5, False), (1.7, True)))),
}
"""Choices that were made with the clips in sight, and others that could have been."""

Masks = NDArray[np.bool_]


@dataclass(frozen=True)
class Without(Eyes):
    """The networks with one of the tracker's parts switched off."""

    part: str

    def decode(self, sights: Sequence[Sight], known: Sequence[Mapping[str, Plane]]) -> list[Found]:
        if not all("recent" in own for own in known):  # a pivot
            return super().decode(sights, known)
        if self.part == "decoder":
            return [Found(_mean(own), 1.0) for own in known]
        dropped = {"flow": {"carried"}, "features": {"first", "recent", "held", "likeness"}}.get(
            self.part, set()
        )
        less = [{name: plane for name, plane in own.items() if name not in dropped} for own in known]
        return super().decode(sights, less)


def _mean(known: Mapping[str, Plane]) -> Plane:
    planes = [known[name] for name in ("carried", "first", "recent") if name in known]
    fine = [cv2.resize(plane, (GRID, GRID), interpolation=cv2.INTER_LINEAR) for plane in planes]
    return np.asarray(4 * np.mean(fine, axis=0), np.float32)


def tracker_without(part: str | None) -> EmbeddedTracker:
    eyes = Eyes.load()
    if part is None:
        return EmbeddedTracker(eyes)
    return EmbeddedTracker(Without(eyes.features, eyes.decoder, part))


def box_of(mask: Mask) -> np.ndarray:
    ys, xs = np.nonzero(mask)
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], np.float32)


def davis_clips(root: Path, frames: int | None) -> Iterator[tuple[str, Clip, Masks]]:
    """Every clip with its true masks (T, H, W)."""
    for folder in sorted((root / "JPEGImages").iterdir()):
        files = sorted((root / "Annotations" / folder.name).glob("*.png"))[:frames]
        truth = np.stack([cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) > 127 for file in files])
        clip: Clip = FolderClip(folder)
        if frames is not None:
            clip = ArrayClip(np.stack([clip.frame(i) for i in range(len(truth))]), fps=25)
        yield folder.name, clip, truth


def from_mask_and_box(tracker: EmbeddedTracker, clip: Clip, truth: Masks) -> dict[str, float]:
    """J&F of a clip by what it was started from."""
    middle = len(truth) // 2
    starts = {"mask": Pivot(0, mask=truth[0]), "box": Pivot(middle, box_xyxy=box_of(truth[middle]))}
    row = {}
    for start, pivot in starts.items():
        [track] = tracker.track(clip, [[pivot]], no_hook)
        found = track.stack()
        row[start] = _rounded((jaccard(truth, found).mean() + boundary_f(truth, found).mean()) / 2)
    return row


def davis(root: Path, part: str | None, frames: int | None) -> dict[str, dict[str, float]]:
    tracker = tracker_without(part)
    rows: dict[str, dict[str, float]] = {}
    learn = (lambda *given: None) if part == "memory" else Memory.learn
    no_motion = (lambda *given: 0.0) if part == "flow" else Target._moves_with_background
    with (
        mock.patch.object(Memory, "learn", learn),
        mock.patch.object(Target, "_moves_with_background", no_motion),
    ):
        for name, clip, truth in davis_clips(root, frames):
            row = rows[name] = from_mask_and_box(tracker, clip, truth)
            print(f"  {name:16s} mask {row['mask']:.3f}  box {row['box']:.3f}", flush=True)
    rows["mean"] = {
        start: _rounded(np.mean([row[start] for row in rows.values()])) for start in ("mask", "box")
    }
    return rows


def rules(root: Path, frames: int | None) -> dict[str, dict[str, object]]:
    """What each of `TRIED` is worth, by J&F (mean of mask and box)."""
    eyes = Eyes.load()
    scores: dict[str, list[list[float]]] = {name: [] for name in TRIED}
    for clip_name, clip, truth in davis_clips(root, frames):
        tracker = EmbeddedTracker(eyes)
        for name, (module, values) in TRIED.items():
            own = []
            for value in values:
                with mock.patch.object(module, name, value):
                    own.append(float(np.mean([*from_mask_and_box(tracker, clip, truth).values()])))
            scores[name].append(own)
            print(f"  {clip_name:16s} {name:12s}", *(f"{one:.3f}" for one in own), flush=True)
    return {name: worth(name, np.array(table)) for name, table in scores.items()}


def worth(name: str, table: NDArray[np.float64]) -> dict[str, object]:
    """Of one of `TRIED`, whose values gave `table` (clips, values): every value on all clips, on how many
    clips it beats what ships, and "left out", the mean over clips of what the value that is best on all
    others gives on a clip.
    """
    module, values = TRIED[name]
    ships = [str(value) for value in values].index(str(getattr(module, name)))
    others = [np.delete(table, clip, axis=0).mean(axis=0).argmax() for clip in range(len(table))]
    report = {
        "ships": str(values[ships]),
        "values": {
            str(value): _rounded(score) for value, score in zip(values, table.mean(axis=0), strict=True)
        },
        "clips on which it beats what ships": {
            str(value): int((table[:, at] > table[:, ships]).sum()) for at, value in enumerate(values)
        },
        "left out": _rounded(table[range(len(table)), others].mean()),
    }
    print(f"  {name}: {report}", flush=True)
    return report


def _rounded(value: float) -> float:
    return round(float(value), 4)


def scenes() -> dict[str, float]:
    """Mean J of every made-up scene where the object is seen; -1 if a pixel is shown when it is away."""
    found = {}
    for name, scene in SCENES.items():
        with tempfile.TemporaryDirectory() as folder:
            made = scene(Path(folder) / "frames")
            pivots = [[Pivot(0, mask=own[0])] for own in made.masks]
            tracks = EmbeddedTracker().track(made.clip, pivots, no_hook)
        pairs = [
            p for track, own in zip(tracks, made.masks, strict=True) for p in zip(track, own, strict=True)
        ]
        away = any(mask.any() for mask, real in pairs if not real.any())
        found[name] = (
            -1.0 if away else _rounded(np.mean([iou(mask, real) for mask, real in pairs if real.any()]))
        )
        print(f"  {name:22s} {found[name]:.3f}", flush=True)
    return found


def swaps() -> dict[str, int]:
    tracker, count = EmbeddedTracker(), 0
    for number in range(SEEDS):
        with tempfile.TemporaryDirectory() as folder:
            made = look_alikes_crossing(Path(folder) / "frames", number)
            tracks = tracker.track(made.clip, [[Pivot(0, mask=own[0])] for own in made.masks], no_hook)
        crossed = [iou(tracks[one][len(tracks[one]) - 1], made.masks[1 - one][-1]) > 0.3 for one in (0, 1)]
        count += any(crossed)
    print(f"  {count} of {SEEDS}", flush=True)
    return {"of": SEEDS, "swaps": count}


class Discs(Clip):
    """Discs over a texture that a camera moves along, made as they are asked for."""

    def __init__(self, frames: int, objects: int, height: int = 480, width: int = 854) -> None:
        random = np.random.default_rng(0)
        self.source, self.name, self.notes = Path("discs"), "discs", []
        self.height, self.width = height, width
        self.times_s = np.arange(frames) / 25
        texture = random.integers(0, 256, (height, 3 * width // 2, 3)).astype(np.uint8)
        self._ground = cv2.GaussianBlur(texture, (0, 0), 3)
        self._colours = random.integers(40, 256, (objects, 3))

    def frame(self, index: int) -> Frame:
        across = abs((index + 400) % 800 - 400)  # to and fro, without a jump
        left = across * (self.width // 2) // 400
        picture = np.ascontiguousarray(self._ground[:, left : left + self.width])
        for number, colour in enumerate(self._colours):
            cv2.circle(picture, *self._disc(number, index), tuple(map(int, colour)), -1)
        return picture

    def pivots(self) -> list[list[Pivot]]:
        """True masks of the first frame."""
        masks = []
        for number in range(len(self._colours)):
            mask = np.zeros((self.height, self.width), np.uint8)
            cv2.circle(mask, *self._disc(number, 0), 1, -1)
            masks.append(mask > 0)
        return [[Pivot(0, mask=mask)] for mask in masks]

    def _disc(self, number: int, index: int) -> tuple[tuple[int, int], int]:
        """Its middle and radius in pixels."""
        x, y = 100 + 90 * number + 30 * np.sin(index / 9), 120 + 55 * (number % 5)
        scale = self.height / 480
        return (round(x * scale), round(y * scale)), round(36 * scale)


def speed() -> dict[str, dict[str, float]]:
    """Frames a second of 60 whose analysis is there, by processor time and by the clock; of the latter the
    ten that went fastest, which is what a machine with nothing else to do gives.
    """
    found = {}
    for objects in (1, 8):
        clip, analyses = Discs(60, objects), Analyses()
        analyses.of(clip)
        clock: list[float] = []
        began = time.process_time()
        EmbeddedTracker(analyses=analyses).track(clip, clip.pivots(), partial(_look_at, clock))
        processor = time.process_time() - began
        forward = np.array(clock[:60])  # nothing is carried backwards
        fastest = float((forward[10:] - forward[:-10]).min())
        found[f"{objects} objects"] = {"processor": _rounded(60 / processor), "clock": _rounded(10 / fastest)}
        print(f"  {objects} objects: {found[f'{objects} objects']}", flush=True)
    return found


def _look_at(clock: list[float], *step: object) -> None:
    clock.append(time.perf_counter())


def length() -> dict[str, float]:
    """MiB at the peak, analysis, tracks and all, and on how many of the frames the object is held. What is
    kept of a frame in memory is some hundred bytes, whatever its size: pictures and flow lie on disk.
    """
    found = {}

    def note(stage: str, artefact: object, completed: int, total: int) -> None:
        if stage == "track" and completed % 1000 == 0:
            print(f"  {completed} of {total}: {_peak()} MiB", flush=True)

    for count in LENGTHS:
        clip = Discs(count, 1, 180, 320)
        [track] = EmbeddedTracker().track(clip, clip.pivots(), note)
        found[f"{count} frames, peak MiB"] = _peak()
        found[f"{count} frames, held"] = int(np.count_nonzero(track.areas()))
        print(f"  {found}", flush=True)
    return found


def _peak() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", type=Path)
    parser.add_argument("what", nargs="*")
    parser.add_argument("--frames", type=int, help="only the first so many of each clip")
    parser.add_argument("--json", type=Path)
    parsed = parser.parse_args()
    measures: dict[str, Callable[[], object]] = {
        "all parts": lambda: davis(parsed.root, None, parsed.frames),
        **{f"without {part}": partial(davis, parsed.root, part, parsed.frames) for part in PARTS},
        "scenes": scenes,
        "swaps": swaps,
        "speed": speed,
        "rules": lambda: rules(parsed.root, parsed.frames),
        "length": length,
    }
    if unknown := {*parsed.what} - {*measures}:
        parser.error(f"nothing is called {', '.join(unknown)}; there are {', '.join(measures)}")
    for name in parsed.what or measures:
        print(name, flush=True)
        found = measures[name]()
        if parsed.json:
            before = json.loads(parsed.json.read_text()) if parsed.json.exists() else {}
            parsed.json.write_text(json.dumps(before | {name: found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
