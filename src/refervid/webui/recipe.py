"""The same work without the page: a command line, and Python."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from refervid.core.types import Pivot, SoundReference, TextReference
from refervid.report.result import Result


@dataclass(frozen=True, eq=False)
class Step:
    """One correction of the answer to `query` (from 0); with a `name` the thing of this name was pointed at.

    `candidate` is (decision from 0, candidate from 1) where the mark is a candidate's.
    """

    query: int
    mark: Pivot
    afresh: bool = False
    candidate: tuple[int, int] | None = None
    name: str | None = None


def shell_words(results: Sequence[Result], steps: Sequence[Step], formats: Sequence[str] = ()) -> str:
    """The command line; what goes beyond it, a comment says."""
    asked = [word for result in results for word in _asked_words(result)]
    pointed = [] if asked else [step for step in steps if step.name is not None]
    words = ["refervid", "segment" if asked else "track", results[0].clip.source.name, *asked]
    words += [word for step in pointed for word in _mark_words(step)]
    words += ["--preset", results[0].preset, "--out", "out"]
    for kind in formats:
        words += ["--format", kind]
    line = shlex.join(words)
    if len(steps) > len(pointed):
        line += f"\n# without {len(steps) - len(pointed)} of your marks: those need the Python below"
    return line


def _asked_words(result: Result) -> list[str]:
    match result.reference:
        case TextReference(text):
            return ["--text", text]
        case SoundReference():
            return ["--sound"]
    return []


def _mark_words(step: Step) -> list[str]:
    mark, start = step.mark, f"{step.name}={step.mark.frame_index}:"
    if mark.box_xyxy is not None:
        return ["--box", start + ",".join(f"{value:.1f}" for value in mark.box_xyxy)]
    if mark.points_xy is None or mark.point_labels is None:
        return []
    places = zip(mark.points_xy.tolist(), mark.point_labels.tolist(), strict=True)
    points = [f"{start}{x:.1f},{y:.1f}{'' if on else ',-'}" for (x, y), on in places]
    return [word for point in points for word in ("--point", point)]


def python_words(results: Sequence[Result], steps: Sequence[Step], formats: Sequence[str] = ()) -> str:
    """A program that ends with the files in the folder `out`."""
    texts = [one.query for one in results if isinstance(one.reference, TextReference)]
    asked = [f"text={texts!r}"] if texts else []
    if any(isinstance(one.reference, SoundReference) for one in results):
        asked.append("sound=True")
    name = results[0].clip.source.name
    call = f"pipeline({name!r}, {', '.join(asked)})"
    first = call if texts else f"[{call}]" if asked else "[]"
    lines = [
        "import refervid",
        "",
        f"pipeline = refervid.load({results[0].preset!r})",
        # A single reference that is no list of texts gives a single result.
        f"results = {first}",
        *(_step_line(step, name, results[0].preset) for step in steps),
        f"refervid.save_results(results, 'out'{f', formats={list(formats)!r}' if formats else ''})",
    ]
    if any(step.candidate is None for step in steps):
        lines[0:1] = ["import numpy as np", "", "import refervid"]
    return "\n".join(lines) + "\n"


def _step_line(step: Step, clip: str, preset: str) -> str:
    if step.name is None:
        return f"results[{step.query}] = {_correction(step)}"
    where = "results[0].clip" if step.query else repr(clip)  # what is open need not be opened again
    return f"results += refervid.track({where}, {{{step.name!r}: [{_pivot(step.mark)}]}}, preset={preset!r})"


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
