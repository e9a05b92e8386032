"""J and F of 480p masks: the straightforward loop, this package, and this package on two processes.

    python bench/metrics.py [-o bench/results/metrics.json]

The loop is what the definition says: per object and frame draw both boundaries, dilate each with the
disk, and count. Both must give the same numbers.
"""

from __future__ import annotations

import argparse
import math
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.datasets.registry import open_dataset
from refervid.datasets.samples import write_json
from refervid.media.pictures import write_indexed, write_mask
from refervid.metrics.boundary import j_and_f

HEIGHT, WIDTH = 480, 854
OBJECTS, FRAMES = 4, 40
VIDEOS = 120
"""Copies of the clip that are scored from disk: 19,200 masks, half of what MeViS' small check set has."""


def made_up_ids() -> NDArray[np.uint8]:
    """(T, H, W) label maps of four wobbling, drifting blobs, as large as objects in DAVIS."""
    random = np.random.default_rng(7)
    angles = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    waves = np.arange(2, 8)
    ids = np.zeros((FRAMES, HEIGHT, WIDTH), np.uint8)
    for number in range(1, OBJECTS + 1):
        amplitudes, phases = random.uniform(2, 12, 6), random.uniform(0, 6, 6)
        start, step = random.uniform((150, 120), (700, 360)), random.uniform(-3, 3, 2)
        for frame in range(FRAMES):
            wobble = np.cos(np.outer(angles, waves) + phases + frame / 9) @ amplitudes
            corners = start + frame * step + (45 + 12 * number + wobble)[:, None] * circle
            cv2.fillPoly(ids[frame], [corners.round().astype(np.int32)], number)
    return ids


def plain_boundary(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels that differ from the right, lower or lower right neighbour, which is repeated at the edge."""
    right, below, across = mask.copy(), mask.copy(), mask.copy()
    right[:, :-1] = mask[:, 1:]
    below[:-1] = mask[1:]
    across[:-1, :-1] = mask[1:, 1:]
    edge = (mask ^ right) | (mask ^ below) | (mask ^ across)
    edge[-1] = mask[-1] ^ right[-1]
    edge[:, -1] = mask[:, -1] ^ below[:, -1]
    edge[-1, -1] = False
    return edge


def plain_loop(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(2, T): J and F of one object, frame by frame."""
    radius = int(np.ceil(0.008 * np.hypot(HEIGHT, WIDTH)))
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disk = (x * x + y * y <= radius * radius).astype(np.uint8)
    values = np.zeros((2, len(truth)))
    for index, (g, p) in enumerate(zip(truth, prediction, strict=True)):
        union = np.sum(g | p)
        values[0, index] = np.sum(g & p) / union if union else 1
        g_edge, p_edge = plain_boundary(g), plain_boundary(p)
        g_near = cv2.dilate(g_edge.astype(np.uint8), disk).astype(bool)
        p_near = cv2.dilate(p_edge.astype(np.uint8), disk).astype(bool)
        if not g_edge.any() or not p_edge.any():
            values[1, index] = float(not g_edge.any() and not p_edge.any())
            continue
        precision = np.sum(p_edge & g_near) / np.sum(p_edge)
        recall = np.sum(g_edge & p_near) / np.sum(g_edge)
        values[1, index] = 2 * precision * recall / (precision + recall) if precision + recall else 0
    return values


def packed(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The same by this package, as data sets are scored."""
    return j_and_f(zip(truth, prediction, strict=True))


def best_times(
    works: Sequence[Callable[[], object]], clock: Callable[[], float], repeats: int
) -> list[float]:
    """Seconds of the fastest of some runs of each: slower ones measure the machine's other work.

    The works take turns, so that they meet the same conditions.
    """
    times = [[math.inf] for _ in works]
    for _ in range(repeats):
        for work, own in zip(works, times, strict=True):
            start = clock()
            work()
            own.append(clock() - start)
    return [min(own) for own in times]


def write_folder(root: Path, out: Path, ids: NDArray[np.uint8], shifted: NDArray[np.uint8]) -> None:
    """The clip many times as a data set, with the shifted masks as predictions."""
    names = [f"{index:05d}" for index in range(FRAMES)]
    expressions = {str(k): {"exp": "it", "obj_id": str(k + 1)} for k in range(OBJECTS)}
    videos = [f"video{number:02d}" for number in range(VIDEOS)]
    write_json(
        root / "meta_expressions" / "meta_expressions.json",
        {"videos": {video: {"frames": names, "expressions": expressions} for video in videos}},
    )
    for kind in ("JPEGImages", "Annotations"):
        (root / kind / videos[0]).mkdir(parents=True)
    for index, name in enumerate(names):
        (root / "JPEGImages" / videos[0] / f"{name}.jpg").touch()
        write_indexed(root / "Annotations" / videos[0] / f"{name}.png", ids[index])
        for key in expressions:
            path = out / videos[0] / key / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_mask(path, shifted[index] == int(key) + 1)
    for video in videos[1:]:
        for folder in (root / "JPEGImages", root / "Annotations", out):
            (folder / video).symlink_to(folder / videos[0])


def measure() -> dict[str, float]:
    cv2.setNumThreads(1)
    ids = made_up_ids()
    shifted = np.roll(ids, (3, 5), axis=(1, 2))
    pairs = [(ids == number, shifted == number) for number in range(1, OBJECTS + 1)]
    for truth, prediction in pairs:
        assert np.allclose(plain_loop(truth, prediction), packed(truth, prediction), atol=1e-12)
    count = OBJECTS * FRAMES
    # Processor time: one thread against one thread, whatever else the machine does.
    plain, fast = best_times(
        [lambda: [plain_loop(*pair) for pair in pairs], lambda: [packed(*pair) for pair in pairs]],
        time.process_time,
        repeats=5,
    )
    with tempfile.TemporaryDirectory() as folder:
        root, out = Path(folder, "root"), Path(folder, "out")
        write_folder(root, out, ids, shifted)
        dataset = open_dataset("folder", root)
        one, two = best_times(
            [lambda: dataset.score(out), lambda: dataset.score(out, workers=2)], time.perf_counter, repeats=2
        )
    return {
        "loop_ms": 1e3 * plain / count,
        "refervid_ms": 1e3 * fast / count,
        "times_faster": plain / fast,
        "from_disk_one_process_ms": 1e3 * one / count / VIDEOS,
        "from_disk_two_processes_ms": 1e3 * two / count / VIDEOS,
        "two_processes_times_faster": one / two,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="J and F of 480p masks")
    parser.add_argument(
        "-o", "--output", type=Path, default=Path(__file__).parent / "results" / "metrics.json"
    )
    output = parser.parse_args().output
    numbers = measure()
    print(f"{OBJECTS} objects, {FRAMES} frames of {WIDTH}x{HEIGHT}; milliseconds per object and frame")
    for name, value in numbers.items():
        print(f"  {name:28} {value:8.3f}")
    # Two processes can only be twice as fast where nothing else runs, so the load is told.
    machine = {"cores": os.cpu_count(), "load_average": os.getloadavg()[0], "opencv": cv2.__version__}
    write_json(output, {**{k: round(v, 4) for k, v in numbers.items()}, "machine": machine})


if __name__ == "__main__":
    main()
