"""What evaluating on several processes gives and costs: seconds of processor time a clip, start left out.

    python bench/evaluation.py [--clips 200] [--preset soc]

prints them for one process, two shards at a time, and one Ray actor with all that belongs to Ray; on two idle
cores two shards together take half of what each of them takes a clip. `table.py` shows the same as ratios.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from refervid.datasets.registry import open_dataset
from refervid.datasets.samples import two_shapes, write_common_form
from refervid.evaluation.runner import Shard, evaluate, on_cluster
from refervid.pipelines.cluster import RayCluster
from refervid.pipelines.presets import load

FRAMES, SENTENCES = 6, 2
CLIPS = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clips", type=int, default=CLIPS)
    parser.add_argument("--preset", default="soc")
    parser.add_argument("--shard", nargs=3, metavar=("DATA", "OUT", "I/N"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.shard:
        data, out, part = options.shard
        print(seconds_a_clip(Path(data), Path(out), options.preset, part))
        return
    with TemporaryDirectory() as folder:
        data = write_clips(Path(folder), options.clips)
        for run in (one_process, two_shards, ray_actor):
            began = time.perf_counter()
            seconds = run(data, options.preset)
            print(f"{run.__name__}: {1000 * seconds:.1f} ms a clip, all done after "
                  f"{time.perf_counter() - began:.0f} s")  # fmt: skip


def write_clips(folder: Path, count: int = CLIPS) -> Path:
    """A data set of short clips, with so many sentences each."""
    clips = [two_shapes(f"clip-{number:03d}", FRAMES) for number in range(count)]
    write_common_form(folder / "data", "", clips)
    return folder / "data"


def one_process(data: Path, preset: str = "soc") -> float:
    return _shards(data, preset, 1)


def two_shards(data: Path, preset: str = "soc") -> float:
    return _shards(data, preset, 2)


def _shards(data: Path, preset: str, count: int) -> float:
    """So many at a time, a process each; what a clip takes when each has a core of its own."""
    with TemporaryDirectory() as out:
        command = [sys.executable, __file__, "--preset", preset, "--shard", str(data), f"{out}/run"]
        running = [
            subprocess.Popen([*command, f"{number}/{count}"], stdout=subprocess.PIPE, text=True)
            for number in range(1, count + 1)
        ]
        return 1 / sum(1 / float(one.communicate()[0]) for one in running)


def ray_actor(data: Path, preset: str = "soc") -> float:
    with TemporaryDirectory() as out:
        return seconds_a_clip(data, Path(out, "run"), preset, ray=True)


def seconds_a_clip(data: Path, out: Path, preset: str, part: str = "1/1", *, ray: bool = False) -> float:
    """Processor time between the first answer and the last."""
    build = partial(load, preset, device="cpu")
    pipeline = build()
    marks = []

    def mark(stage: str, artefact: object, completed: int, total: int) -> None:
        if completed in (SENTENCES, total):  # to look takes a while itself
            marks.append((completed, _seconds_of_all()))

    executor = on_cluster(RayCluster(build, "local", actors=1), pipeline) if ray else None
    evaluate(
        open_dataset("folder", data), pipeline, out, shard=Shard.parse(part), executor=executor, hook=mark
    )
    (before, start), (after, end) = marks
    return SENTENCES * (end - start) / (after - before)


def _seconds_of_all() -> float:
    """Processor time of this process and of those below it."""
    times, parents = {}, {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        parents[int(folder.name)] = int(words[1])
        times[int(folder.name)] = sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")

    def below(pid: int) -> bool:
        return pid == os.getpid() or (pid in parents and below(parents[pid]))

    return sum(seconds for pid, seconds in times.items() if below(pid))


if __name__ == "__main__":
    main()
