"""Scores of a small SOC network on the generator's test split, which training never sees.

    python bench/soc_nano.py out/soc-nano.safetensors
    python bench/soc_nano.py out/soc-nano.safetensors --ship

Prints J&F overall and by kind of sentence ("time": only time can tell which object is meant) and keeps
them as JSON. `--ship` writes the network in half precision to where the preset `soc` looks for it.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from refervid.engines.hub.weights import find_weights
from refervid.models.soc import build_tokenizer, load, save
from refervid.models.soc.inference import Segmenter
from refervid.models.soc.shipped import SHIPPED, shipped_path
from refervid.training.processes import Processes
from refervid.training.recipe import SyntheticValidation
from refervid.training.validation import open_validator, validate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--name", default=SHIPPED, help="name of the JSON file")
    parser.add_argument("--ship", action="store_true")
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    weights = options.weights
    if options.ship:
        save(load(weights), shipped_path(), torch.float16)
        weights = shipped_path()
    validator = open_validator(SyntheticValidation(split="test", clips=options.clips))
    network = load(weights)
    segmenter = Segmenter(network, build_tokenizer(network.config.text, find_weights))
    scores = validate(validator, segmenter, Processes(0, 1, torch.device("cpu")))
    for name, score in scores.items():
        print(f"{name:16} {score:.3f}")
    report = {"clips": options.clips, "megabytes": weights.stat().st_size / 1e6, "scores": scores}
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / f"{options.name}.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
