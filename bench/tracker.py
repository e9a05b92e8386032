"""How well and how fast the embedded tracker holds what it was pointed at, and what its parts are worth.

    PYTHONPATH=. python bench/tracker.py ../shared/data/davis16 [--parts] [--seeds 100] [--speed] [--frames N]

DAVIS development clips: J&F over all frames from the true mask of the first frame, and from the true box of
the middle frame. `--parts` switches off in turn: optical flow, the features' votes and linear test, the
decoder, and all memory but the pivot's. `--seeds`: so many made-up clips of look-alikes that cross; a swap is
a track that ends on the other. `--speed`: frames a second of processor time (it computes on one thread) at
480p with 1 and 8 objects, without the analysis that `lite` shares, and memory over four runs. `--frames`:
only the first of each clip.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import cv2
import numpy as np

from refervid.core.types import Mask, Pivot, no_hook
from refervid.engines.lite.analysis import Analyses
from refervid.engines.lite.tracker import EmbeddedTracker
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


def davis(root: Path, part: str | None, frames: int | None) -> dict[str, dict[str, float]]:
    tracker = tracker_without(part)
    rows: dict[str, dict[str, float]] = {}
    for folder in sorted((root / "JPEGImages").iterdir()):
        files = sorted((root / "Annotations" / folder.name).glob("*.png"))[:frames]
        truth = np.stack([cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) > 127 for file in files])
        clip: Clip = FolderClip(folder)
        if frames is not None:
            clip = ArrayClip(np.stack([clip.frame(i) for i in range(len(truth))]), fps=25)
        middle = len(truth) // 2
        starts = {"mask": Pivot(0, mask=truth[0]), "box": Pivot(middle, box_xyxy=box_of(truth[middle]))}
        row = {}
        for start, pivot in starts.items():
            learn = (lambda *given: None) if part == "memory" else Memory.learn
            no_motion = (lambda *given: 0.0) if part == "flow" else Target._moves_with_background
            with (
                mock.patch.object(Memory, "learn", learn),
                mock.patch.object(Target, "_moves_with_background", no_motion),
            ):
                [track] = tracker.track(clip, [[pivot]], no_hook)
            found = track.stack()
            row[start] = float((jaccard(truth, found).mean() + boundary_f(truth, found).mean()) / 2)
        rows[folder.name] = row
        print(f"  {folder.name:16s} mask {row['mask']:.3f}  box {row['box']:.3f}", flush=True)
    rows["mean"] = {start: float(np.mean([row[start] for row in rows.values()])) for start in ("mask", "box")}
    return rows


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
            -1.0 if away else float(np.mean([iou(mask, real) for mask, real in pairs if real.any()]))
        )
        print(f"  {name:22s} {found[name]:.3f}", flush=True)
    return found


def swaps(seeds: int) -> int:
    tracker, count = EmbeddedTracker(), 0
    for seed in range(seeds):
        with tempfile.TemporaryDirectory() as folder:
            made = look_alikes_crossing(Path(folder) / "frames", seed)
            tracks = tracker.track(made.clip, [[Pivot(0, mask=own[0])] for own in made.masks], no_hook)
        crossed = [iou(tracks[one][len(tracks[one]) - 1], made.masks[1 - one][-1]) > 0.3 for one in (0, 1)]
        count += any(crossed)
    return count


def moving(frames: int, objects: int) -> tuple[Clip, list[list[Pivot]]]:
    """Discs over a texture at 480p, made as they are asked for."""
    random = np.random.default_rng(0)
    ground = cv2.GaussianBlur(random.integers(0, 256, (480, 1300, 3)).astype(np.uint8), (0, 0), 3)
    colours = random.integers(40, 256, (objects, 3))
    pictures, masks = [], []
    for index in range(frames):
        picture = np.ascontiguousarray(ground[:, index % 400 : index % 400 + 854])
        for number, colour in enumerate(colours):
            x, y = 100 + 90 * number + int(30 * np.sin(index / 9)), 120 + 55 * (number % 5)
            cv2.circle(picture, (x, y), 36, tuple(map(int, colour)), -1)
            if index == 0:
                mask = np.zeros((480, 854), np.uint8)
                cv2.circle(mask, (x, y), 36, 1, -1)
                masks.append(mask > 0)
        pictures.append(picture)
    return ArrayClip(np.stack(pictures), fps=25), [[Pivot(0, mask=mask)] for mask in masks]


def analysed(clip: Clip) -> EmbeddedTracker:
    """A tracker that knows the clip's analysis already."""
    analyses = Analyses()
    analyses.of(clip)
    return EmbeddedTracker(analyses=analyses)


def speed() -> dict[str, float]:
    found = {}
    for objects in (1, 8):
        clip, pivots = moving(60, objects)
        tracker = analysed(clip)
        began = time.process_time()
        tracker.track(clip, pivots, no_hook)
        found[f"{objects} objects, frames a second of processor time"] = 60 / (time.process_time() - began)
    clip, pivots = moving(300, 1)
    tracker = analysed(clip)
    tracker.track(clip, pivots, no_hook)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(3):
        tracker.track(clip, pivots, no_hook)
    found["MB more after 900 further frames"] = (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    ) / 1024
    for name, value in found.items():
        print(f"  {name}: {value:.1f}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", type=Path)
    parser.add_argument("--parts", action="store_true")
    parser.add_argument("--seeds", type=int, default=0)
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--frames", type=int, help="only the first so many of each clip")
    parser.add_argument("--json", type=Path)
    parsed = parser.parse_args()
    report: dict[str, object] = {}
    for part in (None, *(PARTS if parsed.parts else ())):
        name = "all parts" if part is None else f"without {part}"
        print(name, flush=True)
        report[name] = davis(parsed.root, part, parsed.frames)
    report["scenes"] = scenes()
    if parsed.seeds:
        report["swaps"] = {"of": parsed.seeds, "swaps": swaps(parsed.seeds)}
        print(f"look-alikes crossing: {report['swaps']}", flush=True)
    if parsed.speed:
        report["speed"] = speed()
    if parsed.json:
        parsed.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
