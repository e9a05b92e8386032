"""What the thresholds of the rules are worth, with every clip left out in turn.

    python bench/lite_thresholds.py BOXES.json CLIPS [-o JSON]

BOXES.json holds {"clips": {file: {"sentences": [{"text", "kind", "frames": {index: boxes xyxy, or null}}]}}};
kind "absent" marks what is not there. For each of `TRIED`, one at a time, the sentences are held against the
tracks of each clip. An answer counts 1 if it points at the right boxes (intersection over union of 0.5 with
their common box on half of the frames) or doubts what is absent, -1 if it is wrong without a word of doubt.
"Left out" is the mean over clips of the score on a clip of the setting that is best on all others: where that
is near the best score on all clips, the choice is no matter of single clips. Nothing is tracked.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np

from refervid import load, open_clip
from refervid.core.boxes import box_iou
from refervid.core.types import no_hook
from refervid.engines.base import Elimination
from refervid.engines.inventory import Inventory
from refervid.engines.lite import chooser

TRIED = {
    "NAMED": (0.3, 0.5, 0.7),
    "PERHAPS": (0.08, 0.15, 0.3),
    "HOLDS": (0.3, 0.5, 0.7),
    "RIVAL": (0.5, 0.7, 0.9),
    "PLURAL_SHARE": (0.3, 0.45, 0.6),
}


def modules_with(name: str) -> list[ModuleType]:
    """All of the chooser that know a threshold: each has imported it for itself."""
    return [
        one for path, one in sys.modules.items() if path.startswith(chooser.__name__) and hasattr(one, name)
    ]


def points_right(answer: Elimination, inventory: Inventory, truth: Mapping[str, Any]) -> bool:
    chosen = {
        int(number) for one in answer.decisions for number in str(one.answer).split(", ") if number.isdigit()
    }
    tracks = [track for track in inventory.tracks if track.number in chosen]
    agreeing = 0
    for index, boxes in truth.items():
        shown = [box for track in tracks if (box := track.box_at(int(index))) is not None]
        if boxes is None or not shown:
            agreeing += boxes is None and not shown
        else:
            agreeing += box_iou(around(np.array(shown)), around(np.array(boxes))) >= 0.5
    return 2 * agreeing >= len(truth)


def around(boxes: np.ndarray) -> np.ndarray:
    """The box around several, xyxy."""
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)]).astype(np.float64)


def score(answer: Elimination | None, inventory: Inventory, sentence: Mapping[str, Any]) -> int:
    absent = sentence["kind"] == "absent"
    if answer is None or not answer.objects or (answer.guess and absent):
        return int(absent)
    if not absent and points_right(answer, inventory, sentence["frames"]):
        return 1
    return 0 if answer.guess else -1


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
    pipeline = load("lite", device="cpu")
    settings = {"as shipped": {}} | {
        f"{name} {value:g}": {name: value}
        for name, values in TRIED.items()
        for value in values
        if value != getattr(modules_with(name)[0], name)
    }
    scores: dict[str, list[float]] = {setting: [] for setting in settings}
    for file, content in json.loads(options.boxes.read_text())["clips"].items():
        clip, sentences = open_clip(options.clips / file), content["sentences"]
        inventory = pipeline.engines.finder.find(clip, no_hook)
        for setting, changes in settings.items():
            with ExitStack() as patched:
                for name, value in changes.items():
                    for module in modules_with(name):
                        patched.enter_context(mock.patch.object(module, name, value))
                texts = [sentence["text"] for sentence in sentences]
                answers = pipeline.engines.chooser.eliminate(clip, inventory, texts)
            points = [score(answer, inventory, one) for answer, one in zip(answers, sentences, strict=True)]
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
