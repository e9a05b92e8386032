"""The same work without the page: a command line, and Python."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from refervid.core.rle import encode_mask
from refervid.core.types import Pivot


@dataclass(frozen=True, eq=False)
class Step:
    """One edit with a preset, as a line of Python.

    `asked` are the words of a command line that asks the same. Where a person pointed, `mark` says at what,
    for the object with the id `object`; `name` is that of a new one.
    """

    preset: str
    code: str
    asked: tuple[str, ...] = ()
    mark: Pivot | None = None
    object: int | None = None
    name: str | None = None


def asked(preset: str, texts: Sequence[str], sound: bool) -> Step:
    words = [word for text in texts for word in ("--text", text)] + (["--sound"] if sound else [])
    given = [repr(list(texts))] if texts else []
    code = f"session.ask({', '.join([*given, 'sound=True'] if sound else given)})"
    return Step(preset, code, tuple(words))


def added(preset: str, mark: Pivot, name: str, answer: int | None) -> Step:
    belongs = "" if answer is None else f", {name!r}, answer={answer}"
    return Step(preset, f"session.add({_pivot(mark)}{belongs})", mark=mark)


def corrected(preset: str, number: int, mark: Pivot, afresh: bool) -> Step:
    code = f"session.correct({number}, {_pivot(mark)}{', afresh=True' if afresh else ''})"
    return Step(preset, code, mark=mark, object=number)


def shell_words(clip: str, steps: Sequence[Step], formats: Sequence[str] = ()) -> str:
    """The command line; what goes beyond it, a comment says."""
    questions = [step for step in steps if step.asked]
    said = questions or [step for step in steps if step.name is not None and _mark_words(step)]
    said = [step for step in said if step.preset == said[0].preset]
    file = f"./{clip}" if clip.startswith("-") else clip  # else it would be an option
    words = ["refervid", "segment" if questions else "track", file]
    words += [word for step in said for word in (step.asked or _mark_words(step))]
    words += ["--preset", steps[0].preset, "--out", "out"]
    for kind in formats:
        words += ["--format", kind]
    line = shlex.join(words)
    if len(steps) > len(said):
        line += f"\n# without {len(steps) - len(said)} of your changes: those need the Python below"
    return line


def _mark_words(step: Step) -> list[str]:
    mark = step.mark
    if mark is None:
        return []
    start = f"{step.name}={mark.frame_index}:"
    if mark.box_xyxy is not None:
        return ["--box", start + ",".join(f"{value:.1f}" for value in mark.box_xyxy)]
    if mark.points_xy is None or mark.point_labels is None:
        return []
    places = zip(mark.points_xy.tolist(), mark.point_labels.tolist(), strict=True)
    points = [f"{start}{x:.1f},{y:.1f}{'' if on else ',-'}" for (x, y), on in places]
    return [word for point in points for word in ("--point", point)]


def python_words(clip: str, steps: Sequence[Step], formats: Sequence[str] = ()) -> str:
    """A program that ends with the files in `out`; the folder `work` can be gone on with."""
    code = "\n".join(step.code for step in steps)
    imports = ["import numpy as np"] if "np." in code else []
    imports += ["from pycocotools import mask as coco"] if "coco." in code else []
    lines = [*imports, "", "import refervid", ""] if imports else ["import refervid", ""]
    preset = steps[0].preset
    lines.append(f"with refervid.open_session({clip!r}, 'work', preset={preset!r}) as session:")
    for before, step in zip([None, *steps], steps, strict=False):
        if step is before:  # work that was stopped and gone on with is more than one edit
            continue
        if step.preset != preset:
            preset = step.preset
            lines.append(f"    session.pipeline = refervid.load({preset!r})")
        lines.append(f"    {step.code}")
    lines.append(f"    session.save('out'{f', formats={list(formats)!r}' if formats else ''})")
    return "\n".join(lines) + "\n"


def _pivot(mark: Pivot) -> str:
    parts = [str(mark.frame_index)]
    if mark.box_xyxy is not None:
        parts.append(f"box_xyxy=np.array({[round(float(v), 1) for v in mark.box_xyxy]}, np.float32)")
    if mark.points_xy is not None and mark.point_labels is not None:
        points = [[round(float(v), 1) for v in point] for point in mark.points_xy]
        parts.append(f"points_xy=np.array({points}, np.float32)")
        parts.append(f"point_labels=np.array({mark.point_labels.tolist()})")
    if mark.mask is not None:
        runs = {"size": list(mark.mask.shape), "counts": encode_mask(mark.mask)}
        parts.append(f"mask=coco.decode({runs}).astype(bool)")
    return f"refervid.Pivot({', '.join(parts)})"
