"""What J&F of preset `lite` owes to the clips that its numbers were set on, with every clip left out in turn.

    python bench/lite_left_out.py ROOT [-o JSON] [--videos V ...]

ROOT holds JPEGImages, Annotations and meta_expressions, one object in white per clip, as DAVIS 2016 with
sentences does. Each of the numbers in `TRIED`, one at a time, is given other values, and all sentences are
answered anew. "Left out" is the mean over clips of a clip's J&F with the value that is best on all others:
what choosing by these clips is worth on clips that had no say. JSON is brought up to date for `--videos`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from unittest import mock

import cv2
import numpy as np

from lite_thresholds import held_out
from refervid import load
from refervid.engines import surest
from refervid.engines.lite.tracker import target
from refervid.media.folder import FolderClip
from refervid.metrics.boundary import boundary_f
from refervid.metrics.region import jaccard
from refervid.report.result import Result

TRIED: dict[str, tuple[ModuleType, tuple[float, ...]]] = {
    "PIVOTS": (surest, (3, 12)),
    "TRUST": (target, (0.25, 1.0)),
}


def j_and_f(truth: np.ndarray, results: Sequence[Result]) -> float:
    """The mean over answers; those with the same masks are measured once."""
    known: dict[bytes, float] = {}
    scores = []
    for result in results:
        masks = result.masks
        key = np.packbits(masks).tobytes()
        if key not in known:
            known[key] = float((jaccard(truth, masks) + boundary_f(truth, masks)).mean() / 2)
        scores.append(known[key])
    return float(np.mean(scores))


def scores_of(root: Path, name: str, texts: Sequence[str]) -> dict[str, float]:
    """J&F of one clip with each setting."""
    files = sorted((root / "Annotations" / name).glob("*.png"))
    truth = np.stack([cv2.imread(str(file), cv2.IMREAD_GRAYSCALE) > 127 for file in files])
    clip, pipeline = FolderClip(root / "JPEGImages" / name), load("lite", remember=False)
    found = {"as shipped": j_and_f(truth, pipeline(clip, text=list(texts)))}
    for number, (module, values) in TRIED.items():
        for value in values:
            with mock.patch.object(module, number, value):
                found[f"{number} {value:g}"] = j_and_f(truth, pipeline(clip, text=list(texts)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("-o", "--out", type=Path, default=Path("bench/results/lite_left_out.json"))
    parser.add_argument("--videos", nargs="+")
    options = parser.parse_args()
    meta = json.loads((options.root / "meta_expressions" / "meta_expressions.json").read_text())["videos"]
    clips = json.loads(options.out.read_text())["clips"] if options.videos and options.out.exists() else {}
    for name in options.videos or sorted(meta):
        texts = [one["exp"] for one in meta[name]["expressions"].values()]
        found = scores_of(options.root, name, texts)
        clips[name] = {setting: round(score, 4) for setting, score in found.items()}
        print(name, clips[name], flush=True)
        settings = list(clips[name])
        table = [[own[setting] for own in clips.values()] for setting in settings]
        means = {setting: round(float(np.mean(own)), 4) for setting, own in zip(settings, table, strict=True)}
        report = {"scores": means, "left_out": held_out(table) if len(clips) > 1 else None}
        options.out.write_text(json.dumps({**report, "clips": clips}, indent=1) + "\n")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
