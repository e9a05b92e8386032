"""A row on this machine: what it lacks, and what came of it beside the paper's numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from refervid.core.errors import DatasetError
from refervid.core.files import write_text
from refervid.datasets.base import Dataset
from refervid.datasets.registry import open_dataset
from refervid.evaluation.presets import for_dataset, replaying
from refervid.evaluation.reproduction.rows import DIFFERENCES, Row, find_answers
from refervid.pipelines.presets import missing_for


@dataclass(frozen=True)
class Place:
    """Where the parts of a row are: its data set, and what the row needs besides."""

    root: Path
    answers: Path | None = None
    weights: str | None = None
    changes: tuple[str, ...] = ()


def open_data(row: Row, place: Place) -> Dataset:
    """Raises `DatasetError`."""
    return open_dataset(row.dataset, place.root, row.split)


def settings_of_row(row: Row, place: Place, data: Dataset) -> list[str]:
    """All changes to the row's preset. Raises `SettingsError`."""
    weights = [] if row.weights is None else [f"weights={place.weights or row.weights}"]
    replayed = replaying(data, place.answers) if row.answers and place.answers else []
    return [*for_dataset(data, row.preset), *replayed, *weights, *row.settings, *place.changes]


def lacks_of_row(row: Row, place: Place) -> list[str]:
    """What this machine lacks to run the row, in words."""
    lacks = find_answers(place.answers, row)
    try:
        data = open_data(row, place)
    except DatasetError as error:
        return [*lacks, str(error)]
    if lacks:
        return lacks
    sound = data.answers is not None
    return missing_for(row.preset, settings_of_row(row, place, data), sound=sound)


def compared(row: Row, scores: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The row's metrics beside what came out; None where the truth is private."""
    return [
        {"metric": name, "published": value, "here": scores.get(name)}
        for name, value in row.published.items()
    ]


def write_report(out: Path, row: Row, scores: Mapping[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """OUT/reproduction.json, which is returned; also of a run that was stopped, which it says."""
    report = {
        "row": row.name,
        "command": row.command(),
        "changes": list(changes),
        "metrics": compared(row, scores),
        "source": row.source,
        "differs": [DIFFERENCES[name] for name in row.differs],
        "notes": list(scores.get("notes", ())),
        **{name: scores[name] for name in ("spending", "stopped") if name in scores},
    }
    write_text(out / "reproduction.json", json.dumps(report, indent=2) + "\n")
    return report
