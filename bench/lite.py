"""J&F of preset `lite` on a data set in the `folder` layout, per video.

    python bench/lite.py ROOT [-o JSON] [--preset lite]

ROOT holds JPEGImages, Annotations and meta_expressions, as DAVIS frames with their masks and sentences do.
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
import time
from pathlib import Path
from statistics import mean

from refervid.datasets.registry import open_dataset
from refervid.evaluation.runner import evaluate
from refervid.pipelines.presets import load


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("root", type=Path)
    arguments.add_argument("-o", "--out", type=Path)
    arguments.add_argument("--preset", default="lite")
    options = arguments.parse_args()
    data = open_dataset("folder", options.root)
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        evaluate(data, load(options.preset), Path(folder))
        seconds = time.perf_counter() - start
        rows = data.score(Path(folder) / "masks").items
    table = {}
    for video in sorted({row["video"] for row in rows}):
        own = [row for row in rows if row["video"] == video]
        table[video] = {key: round(mean(row[key] for row in own), 4) for key in ("J", "F", "J&F")}
        table[video]["per expression"] = [round(row["J&F"], 4) for row in own]
    table["mean"] = {key: round(mean(row[key] for row in rows), 4) for key in ("J", "F", "J&F")}
    print(f"{'video':20} {'J':>6} {'F':>6} {'J&F':>6}   per expression")
    for video, scores in table.items():
        each = " ".join(f"{value:.2f}" for value in scores.get("per expression", ()))
        print(f"{video:20} {scores['J']:6.3f} {scores['F']:6.3f} {scores['J&F']:6.3f}   {each}")
    print(f"{seconds:.0f} s")
    if options.out:
        machine = {"machine": platform.machine(), "python": platform.python_version()}
        content = {"preset": options.preset, "scores": table, "seconds": round(seconds, 1), **machine}
        options.out.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
