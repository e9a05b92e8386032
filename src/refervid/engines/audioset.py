"""The classes of AudioSet, the vocabulary of the sound networks."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

SILENCE = "/m/028v0c"
"""Not a thing that sounds: AL-Ref-SAM 2 takes it out before choosing the most probable classes."""


@cache
def class_names() -> Mapping[str, str]:
    """Display names of the 527 evaluated classes by their ids ("/m/09x0r": "Speech")."""
    text = files("refervid.engines").joinpath("audioset.csv").read_text("utf-8")
    rows = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    return {row["id"]: row["name"] for row in rows}
