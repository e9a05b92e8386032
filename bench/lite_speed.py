"""Speed and memory of preset `lite`: frames per second of the first query, the price of further queries, of a
second question from another process, and peak memory on a short and a long clip made by looping.

    python bench/lite_speed.py VIDEO_OR_FOLDER [-o JSON] [--seconds 10 600] [--texts T..] [--again T]
    python bench/lite_speed.py --analysis 300 6000 [-o JSON]     # its memory alone, on small frames

Every run is a process of its own, so that its peak resident memory (ru_maxrss) is its own, with an empty
cache but for the second question. Seconds are those of the run, without the start of Python and imports.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

TEXTS = ("the bird", "the thing on the left", "the red thing", "the dark one that moves")

RUN = """
import json, resource, sys, time
from refervid import load, open_clip
from refervid.core.types import TextReference
clip = open_clip(sys.argv[1])
pipeline = load("lite", device="cpu")
start, cpu = time.perf_counter(), time.process_time()
pipeline.run(clip, [TextReference(text) for text in sys.argv[2:]])
wall, cpu = time.perf_counter() - start, time.process_time() - cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"frames": len(clip), "wall_s": wall, "cpu_s": cpu, "peak_mib": peak}))
"""


ANALYSIS = """
import json, resource, sys
import numpy as np
from refervid.engines.lite.analysis import Scene
from refervid.media.clip import Clip

class Drifting(Clip):
    height, width, name = 72, 128, "made"

    def __init__(self, count):
        self.times_s, self.notes = np.arange(count) / 30, []
        self._ground = np.random.default_rng(0).integers(0, 256, (72, 640, 3), np.uint8)

    def frame(self, index):
        return self._ground[:, index % 500 : index % 500 + 128].copy()

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() / 2**20

Scene(Drifting(60))
before = resident()
scene = Scene(Drifting(int(sys.argv[1])))
print(json.dumps({"frames": len(scene), "grown_mib": resident() - before}))
"""


def analysis(frames: int) -> dict[str, float]:
    """What the analysis of so many small frames leaves in memory, beyond that of 60."""
    command = [sys.executable, "-c", ANALYSIS, str(frames)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def run(video: Path, texts: tuple[str, ...], cache: Path) -> dict[str, float]:
    command = [sys.executable, "-c", RUN, str(video), *texts]
    environment = {**os.environ, "REFERVID_CACHE": str(cache)}
    printed = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    return json.loads(printed.splitlines()[-1])


def looped(source: Path, target: Path, seconds: float, fps: float) -> None:
    """The frames of `source` to and fro, so that the loop has no cut."""
    from refervid import open_clip
    from refervid.media.array import ArrayClip
    from refervid.media.movie import H264, MovieWriter

    clip = open_clip(source)
    count = int(seconds * fps)
    order = [*range(len(clip)), *range(len(clip) - 2, 0, -1)]
    shape = ArrayClip(clip.frame(0)[None].repeat(2, axis=0))
    import numpy as np

    shape.times_s = np.arange(count) / fps
    with MovieWriter(target, shape, H264) as movie:
        for index in range(count):
            movie.write(index, clip.frame(order[index % len(order)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("video", type=Path, nargs="?")
    parser.add_argument("--analysis", type=int, nargs="+", default=())
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--seconds", type=float, nargs=2, default=(10.0, 600.0))
    parser.add_argument("--fps", type=float, default=10.0)
    parser.add_argument("--texts", nargs="+", default=TEXTS)
    parser.add_argument("--again", default="the black swan")
    options = parser.parse_args()
    rows = [analysis(frames) for frames in options.analysis]
    print(json.dumps(rows))
    if rows and options.out:
        kept = json.loads(options.out.read_text()) if options.out.exists() else {}
        options.out.write_text(json.dumps({**kept, "analysis": rows}, indent=1) + "\n")
    if options.video is not None:
        measure(options)


def measure(options: argparse.Namespace) -> None:
    texts = tuple(options.texts)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = {
            "one query": run(options.video, texts[:1], folder / "one"),
            "another": run(options.video, (options.again,), folder / "one"),
            f"{len(texts)} queries": run(options.video, texts, folder / "many"),
        }
        for seconds in options.seconds:
            clip = folder / f"{seconds:.0f}.mp4"
            looped(options.video, clip, seconds, options.fps)
            rows[f"{seconds:.0f} s looped"] = run(clip, texts[:1], folder / clip.stem)
    first, again, many, short, long = rows.values()
    summary = {
        "frames_per_s_first_query": first["frames"] / first["wall_s"],
        "frames_per_cpu_s_first_query": first["frames"] / first["cpu_s"],
        "price_of_all_queries": many["cpu_s"] / first["cpu_s"],
        "second_question_s": again["wall_s"],
        "second_question_cpu_s": again["cpu_s"],
        "memory_growth_mib": long["peak_mib"] - short["peak_mib"],
    }
    print(f"{'':16} {'frames':>7} {'wall s':>8} {'cpu s':>8} {'peak MiB':>9}")
    for name, row in rows.items():
        print(f"{name:16} {row['frames']:7} {row['wall_s']:8.1f} {row['cpu_s']:8.1f} {row['peak_mib']:9.0f}")
    print(json.dumps(summary, indent=1))
    if options.out:
        machine = {"cores": os.cpu_count(), "load": os.getloadavg()[0], "machine": platform.machine()}
        kept = json.loads(options.out.read_text()) if options.out.exists() else {}
        options.out.write_text(json.dumps({**kept, "rows": rows, **summary, **machine}, indent=1) + "\n")


if __name__ == "__main__":
    main()
