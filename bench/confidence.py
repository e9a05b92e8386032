"""How far the confidence of answers can be trusted, and the two numbers that make it so.

python bench/confidence.py VERDICTS.json [--json FILE]

VERDICTS.json holds {"sentences": [{"clip", "status", "confidence", "verdict"}, ...]}; a verdict is "right",
"wrong", "missed", "honest" or "false alarm". The two numbers, slope and offset on the log odds, are fitted by
logistic regression (Platt, 1999) on all clips, and on all but one in turn: the Brier score of those left out
stands beside that of the fit on everything, and beside that of always saying the mean.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

PULL = 0.1
"""Weight of the prior that the raw score is right as it is: some dozens of sentences alone would overfit."""


def fitted(raw: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Slope and offset on the raw log odds."""
    scores = logit(np.clip(raw, 0.001, 0.999))

    def loss(numbers: np.ndarray) -> float:
        p = np.clip(expit(numbers[0] * scores + numbers[1]), 1e-6, 1 - 1e-6)
        misfit = -np.mean(right * np.log(p) + (1 - right) * np.log(1 - p))
        return float(misfit + PULL * ((numbers[0] - 1) ** 2 + numbers[1] ** 2))

    slope, offset = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return float(slope), float(offset)


def calibrated(raw: np.ndarray, numbers: tuple[float, float]) -> np.ndarray:
    return expit(numbers[0] * logit(np.clip(raw, 0.001, 0.999)) + numbers[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("verdicts", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    rows = [
        row
        for row in json.loads(options.verdicts.read_text())["sentences"]
        if row["status"] in ("ok", "guess")  # how sure "not found" is has a rule of its own
    ]
    raw = np.array([row["confidence"] for row in rows])
    right = np.array([row["verdict"] == "right" for row in rows], float)
    clips = np.array([row["clip"] for row in rows])
    held_out = np.zeros(len(rows))
    for clip in np.unique(clips):
        out = clips == clip
        held_out[out] = calibrated(raw[out], fitted(raw[~out], right[~out]))
    numbers = fitted(raw, right)
    report = {
        "sentences": len(rows),
        "clips": len(np.unique(clips)),
        "right": round(float(right.mean()), 3),
        "brier_of_the_mean": round(float(np.mean((right.mean() - right) ** 2)), 4),
        "brier_raw": round(float(np.mean((raw - right) ** 2)), 4),
        "brier_left_out": round(float(np.mean((held_out - right) ** 2)), 4),
        "brier_fitted": round(float(np.mean((calibrated(raw, numbers) - right) ** 2)), 4),
        "slope": round(numbers[0], 3),
        "offset": round(numbers[1], 3),
    }
    print(json.dumps(report, indent=1))
    if options.json is not None:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
