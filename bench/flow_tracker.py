"""How well and how fast the flow tracker carries a mask or a box from one frame through real clips.

    python bench/flow_tracker.py ../shared/data/davis16 [--at 0.5 ...] [--start mask box noisy] [--json FILE]

Mean J and F over all frames; processor time per frame (all cores together) of the tracker alone, without the
optical flow that it shares with everything else.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from refervid.core.types import Mask, Pivot, no_hook
from refervid.engines.lite.analysis import scene_of
from refervid.engines.lite.tracker import FlowTracker
from refervid.media.folder import FolderClip
from refervid.metrics.boundary import boundary_f
from refervid.metrics.region import jaccard


def box_of(mask: Mask) -> np.ndarray:
    ys, xs = np.nonzero(mask)
    return np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], np.float32)


def roughened(mask: Mask, kind: str) -> Mask:
    """The mask as an imperfect detector would give it."""
    size = max(3, round(0.12 * np.sqrt(mask.sum())))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    if kind == "eroded":
        return cv2.erode(mask.astype(np.uint8), kernel) > 0
    if kind == "dilated":
        return cv2.dilate(mask.astype(np.uint8), kernel) > 0
    noise = np.random.default_rng(0).standard_normal(mask.shape).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), size / 2)
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), size)
    return soft + 0.25 * noise / noise.std() > 0.5


def pivots(truth: list[Mask], index: int, start: str) -> list[Pivot]:
    mask = truth[index]
    if start == "box":
        return [Pivot(index, box_xyxy=box_of(mask))]
    return [Pivot(index, mask=mask if start == "mask" else roughened(mask, start))]


def sequences(root: Path) -> Iterator[tuple[FolderClip, list[Mask]]]:
    for folder in sorted((root / "JPEGImages").iterdir()):
        files = sorted((root / "Annotations" / folder.name).glob("*.png"))
        yield FolderClip(folder), [cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) > 127 for file in files]


def measure(clip: FolderClip, truth: list[Mask], start: str, at: float) -> dict[str, float | str]:
    pivot = min(int(at * len(clip)), len(clip) - 1)
    given = pivots(truth, pivot, start)
    began = time.process_time()
    (track,) = FlowTracker().track(clip, [given], no_hook)
    spent = time.process_time() - began
    found = track.stack()
    real = np.stack(truth)
    return {
        "clip": clip.name,
        "start": start,
        "at": at,
        "J": float(jaccard(real, found).mean()),
        "F": float(boundary_f(real, found).mean()),
        "ms": 1e3 * spent / len(clip),
    }


def show(name: str, start: str, at: str, row: dict[str, float]) -> None:
    print(
        f"{name:16s} {start:8s} {at:4s}  J {row['J']:.3f}  F {row['F']:.3f}  {row['ms']:5.1f} ms", flush=True
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("root", type=Path)
    parser.add_argument("--at", type=float, nargs="+", default=[0.5], help="pivot frame, as part of the clip")
    parser.add_argument("--start", nargs="+", default=["mask", "box", "eroded", "dilated", "noisy"])
    parser.add_argument("--json", type=Path)
    parsed = parser.parse_args()
    rows = []
    for clip, truth in sequences(parsed.root):
        scene_of(clip)
        for start, at in itertools.product(parsed.start, parsed.at):
            row = measure(clip, truth, start, at)
            show(clip.name, start, f"{at:.2f}", row)
            rows.append(row)
    for start in parsed.start:
        mine = [row for row in rows if row["start"] == start]
        show("mean", start, "", {key: float(np.mean([row[key] for row in mine])) for key in ("J", "F", "ms")})
    if parsed.json:
        parsed.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
