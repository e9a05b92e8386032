"""Evaluate DATA with the embedded preset, kill it KILLS times at random moments, resume, report as JSON.

The runs are forked from this process, so that only this one pays for imports and reads networks.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import torch

from refervid.datasets.registry import open_dataset
from refervid.engines.lite.efficientnet import load_efficientnet
from refervid.engines.lite.objects.network import object_network
from refervid.evaluation.runner import evaluate
from refervid.pipelines.base import Pipeline
from refervid.pipelines.presets import load


def fork_run(root: Path, pipeline: Pipeline, out: Path) -> int:
    """The id of a process that evaluates and leaves its scores in `out`."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        evaluate(open_dataset("folder", root), pipeline, out, resume=True)
        status = 0
    finally:
        os._exit(status)


def records(out: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in out.glob("items/*/[!.]*.json")}


def half_written(out: Path) -> list[str]:
    """What may not be seen even right after a kill: a record without its masks, or that cannot be read."""
    found = []
    for path in out.glob("items/*/[!.]*.json"):
        json.loads(path.read_text())
        if not (out / "masks" / path.parent.name / path.stem).is_dir():
            found.append(f"{path} has no masks")
    for folder in out.glob("masks/*/[!.]*"):
        if len(list(folder.iterdir())) != 3:
            found.append(f"{folder} is half written")
    return found


def main(root: Path, place: Path, kills: int) -> None:
    torch.set_num_threads(1)  # OpenMP waits in a forked process for threads that were not forked
    pipeline = load("lite", device="cpu")
    object_network()
    load_efficientnet()
    start = time.perf_counter()
    os.waitpid(fork_run(root, pipeline, place / "undisturbed"), 0)
    duration = time.perf_counter() - start
    moments = random.Random(kills)
    report: dict[str, Any] = {"kills": 0, "faults": [], "disturbed": []}
    while report["kills"] < kills:
        out = place / f"disturbed-{len(report['disturbed'])}"
        done: dict[str, int] = {}
        while True:
            pid = fork_run(root, pipeline, out)
            if report["kills"] < kills:
                time.sleep(moments.uniform(0, 0.8 * duration))
                os.kill(pid, signal.SIGKILL)
            _, status = os.waitpid(pid, 0)
            report["faults"] += half_written(out)
            now = records(out)
            report["faults"] += [f"{name} was done twice" for name in done if now.get(name) != done[name]]
            done = now
            if os.WIFSIGNALED(status):
                report["kills"] += 1
            else:
                break
        report["faults"] += [f"{path} was left behind" for path in out.rglob(".*.part*")]
        report["disturbed"].append(json.loads((out / "scores.json").read_text()))
    report["undisturbed"] = json.loads((place / "undisturbed" / "scores.json").read_text())
    print(json.dumps(report))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
