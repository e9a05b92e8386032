"""What the thresholds of the rules are worth, with every clip left out in turn.

    python bench/lite_thresholds.py BOXES.json CLIPS [-o JSON]

BOXES.json is that of `bench/straight.py`. For each of `TRIED`, one at a time, the sentences are put to each
clip. An answer counts 1 if it points at the right boxes or doubts what is absent, -1 if it is wrong without a
word of doubt. "Left out" is the mean over clips of the score on a clip of the setting that is best on all
others: where that is near the best score on all clips, the choice is no matter of single clips.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np

from refervid import Result, load, open_clip
from refervid.engines.lite.analysis import proposals
from refervid.engines.lite.chooser import chooser, elimination, scoring, selection
from straight import StraightTracker, points_right

TRIED: dict[str, tuple[tuple[ModuleType, ...], tuple[float, ...]]] = {
    "NAMED": ((scoring, elimination), (0.3, 0.5, 0.7)),
    "HOLDS": ((selection, elimination), (0.3, 0.5, 0.7)),
    "LEAST_NAMED": ((proposals,), (0.04, 0.08, 0.16)),
    "CALLED": ((scoring,), (0.12, 0.25, 0.5)),
    "MOST_LIKE": ((scoring,), (0, 0.3, 0.45)),
    "RECOGNISED": ((chooser,), (0.35, 0.5, 0.65)),
}
"""By name of a constant the modules that use it, and its values."""


def score(result: Result, sentence: Mapping[str, Any]) -> int:
    if sentence["kind"] == "absent":
        return -1 if result.status == "ok" else 1
    if result.status != "not_found" and points_right(result, sentence["frames"]):
        return 1
    return -1 if result.status == "ok" else 0


def held_out(scores: Sequence[Sequence[float]]) -> float:
    """The mean over clips of a clip's own score by the setting that is best on all others; `scores` are
    (settings, clips).
    """
    table = np.array(scores)
    best = [np.delete(table, clip, axis=1).mean(axis=1).argmax() for clip in range(table.shape[1])]
    return round(float(np.mean(table[best, range(table.shape[1])])), 4)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("boxes", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    options = parser.parse_args()
    pipeline = load("lite", device="cpu", tracker=StraightTracker())
    settings = {"as shipped": {}} | {
        f"{name} {value:g}": {name: value}
        for name, (modules, values) in TRIED.items()
        for value in values
        if value != getattr(modules[0], name)
    }
    scores: dict[str, list[float]] = {setting: [] for setting in settings}
    for file, content in json.loads(options.boxes.read_text())["clips"].items():
        clip, sentences = open_clip(options.clips / file), content["sentences"]
        for setting, changes in settings.items():
            with ExitStack() as patched:
                for name, value in changes.items():
                    for module in TRIED[name][0]:
                        patched.enter_context(mock.patch.object(module, name, value))
                results = pipeline(clip, text=[sentence["text"] for sentence in sentences])
            points = [score(result, one) for result, one in zip(results, sentences, strict=True)]
            scores[setting].append(float(np.mean(points)))
        print(file, {setting: round(own[-1], 3) for setting, own in scores.items()}, flush=True)
    report = {
        "scores": {setting: round(float(np.mean(own)), 4) for setting, own in scores.items()},
        "best": max(scores, key=lambda setting: float(np.mean(scores[setting]))),
        "left_out": held_out(list(scores.values())),
    }
    print(json.dumps(report, indent=1))
    if options.out is not None:
        options.out.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
