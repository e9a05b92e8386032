"""The folder of a result: what `refervid segment` leaves behind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from refervid.errors import SettingsError
from refervid.files import output_lock, write_text
from refervid.media.exports import EXPORTS, NamedTrack, export
from refervid.media.overlay import write_overlay
from refervid.report.page import write_report
from refervid.report.result import Result
from refervid.types import Details, Hook, Status, no_hook


def check_formats(formats: Sequence[str]) -> None:
    """Raises `SettingsError` for a form that `export` does not know: better before the work than after."""
    for kind in formats:
        if kind not in EXPORTS:
            raise SettingsError(f"no format {kind!r}: choose among {', '.join(EXPORTS)}")


def save_results(
    results: Sequence[Result], folder: str | Path, *, formats: Sequence[str] = (), hook: Hook = no_hook
) -> Path:
    """Write the results of one clip under `folder`, which is returned.

    masks/QUERY/00000.png (0/255), overlay.mp4 (H.264 with the clip's sound), report.html, the forms named
    in `formats`, and last of all result.json: where it is there, everything else is complete.
    Raises `SettingsError` for an unknown form, `OutputLocked` if another process writes there.
    """
    check_formats(formats)
    target = Path(folder)
    clip = results[0].clip
    named = [NamedTrack(result.slug, result.query, result.track) for result in results]
    with output_lock(target):
        (target / "result.json").unlink(missing_ok=True)
        for kind in dict.fromkeys(("masks", *formats)):
            export(kind, target, clip, named)
        overlay = target / "overlay.mp4"
        write_overlay(overlay, clip, [one.track for one in named], [one.text for one in named], hook)
        write_report(target / "report.html", results, overlay)
        write_text(target / "result.json", json.dumps(summary(results), indent=1, ensure_ascii=False))
    return target


def summary(results: Sequence[Result]) -> Details:
    """What result.json holds."""
    clip = results[0].clip
    return {
        "refervid": version("refervid"),
        "video": {
            "name": clip.name,
            "frames": len(clip),
            "width": clip.width,
            "height": clip.height,
            "times_s": [round(float(time), 6) for time in clip.times_s],
            "complete": clip.complete,
            "notes": list(clip.notes),
        },
        "preset": results[0].preset,
        "engines": dict(results[0].engines),
        "spending": None if results[0].spending is None else asdict(results[0].spending),
        "status": overall_status(results),
        "queries": [result.summary() for result in results],
    }


def overall_status(results: Sequence[Result]) -> Status:
    """That of all results where they agree; `partial` if some failed or broke off; else `ok`."""
    statuses = {result.status for result in results}
    if len(statuses) == 1:
        return statuses.pop()
    return "partial" if statuses & {"failed", "partial"} else "ok"
