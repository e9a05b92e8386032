"""The same work without the page: a command line, and Python."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from refervid.core.types import Pivot, TextReference
from refervid.report.result import Result


@dataclass(frozen=True, eq=False)
class Step:
    """One correction of the answer to `query` (from 0).

    `candidate` is (decision from 0, candidate from 1) where the mark is a candidate's.
    """

    query: int
    mark: Pivot
    afresh: bool = False
    candidate: tuple[int, int] | None = None


def shell_words(results: Sequence[Result], steps: Sequence[Step], formats: Sequence[str] = ()) -> str:
    """The command line; corrections are beyond it, and a comment says so."""
    words = ["refervid", "segment", results[0].clip.source.name]
    for result in results:
        words += ["--text", result.query] if isinstance(result.reference, TextReference) else ["--sound"]
    words += ["--preset", results[0].preset, "--out", "out"]
    for kind in formats:
        words += ["--format", kind]
    line = shlex.join(words)
    if steps:
        line += f"\n# without your {len(steps)} correction(s): those need the Python below"
    return line


def python_words(results: Sequence[Result], steps: Sequence[Step], formats: Sequence[str] = ()) -> str:
    """A program that ends with the files in the folder `out`."""
    texts = [one.query for one in results if isinstance(one.reference, TextReference)]
    asked = [f"text={texts!r}"] if texts else []
    if len(texts) < len(results):
        asked.append("sound=True")
    call = f"pipeline({results[0].clip.source.name!r}, {', '.join(asked)})"
    lines = [
        "import refervid",
        "",
        f"pipeline = refervid.load({results[0].preset!r})",
        # A single reference that is no list of texts gives a single result.
        f"results = {call if texts else f'[{call}]'}",
        *(f"results[{step.query}] = {_correction(step)}" for step in steps),
        f"refervid.save_results(results, 'out'{f', formats={list(formats)!r}' if formats else ''})",
    ]
    if any(step.candidate is None for step in steps):
        lines[0:1] = ["import numpy as np", "", "import refervid"]
    return "\n".join(lines) + "\n"


def _correction(step: Step) -> str:
    result = f"results[{step.query}]"
    if step.candidate is None:
        mark = _pivot(step.mark)
    else:
        decision, number = step.candidate
        mark = f"refervid.candidate_pivot({result}.decisions[{decision}], {number})"
    return f"pipeline.correct({result}, {mark}{', afresh=True' if step.afresh else ''})"


def _pivot(mark: Pivot) -> str:
    parts = [str(mark.frame_index)]
    if mark.box_xyxy is not None:
        parts.append(f"box_xyxy=np.array({[round(float(v), 1) for v in mark.box_xyxy]}, np.float32)")
    if mark.points_xy is not None and mark.point_labels is not None:
        points = [[round(float(v), 1) for v in point] for point in mark.points_xy]
        parts.append(f"points_xy=np.array({points}, np.float32)")
        parts.append(f"point_labels=np.array({mark.point_labels.tolist()})")
    return f"refervid.Pivot({', '.join(parts)})"
