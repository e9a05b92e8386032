"""The folder of a result: what `refervid segment` leaves behind."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from refervid import __version__
from refervid.core.errors import SettingsError
from refervid.core.files import output_lock, safe_name, write_text
from refervid.core.types import Details, Hook, Status, no_hook
from refervid.media.clip import Clip
from refervid.media.exports import EXPORTS, ID_MAPS, MOST_IDS, NamedTrack, export
from refervid.media.overlay import write_overlay
from refervid.report.hidden import say_hidden
from refervid.report.page import write_report
from refervid.report.result import Result


def check_formats(formats: Sequence[str], clip: Clip, sentences: int = 1) -> None:
    """Whether so many results of `clip` can be written in these forms: better asked before the work.

    Raises `SettingsError` for a form that `export` does not know or that cannot hold so many, and
    `UnsafeName` for one with a folder called as the clip, if no folder can be called so.
    """
    for kind in formats:
        if kind not in EXPORTS:
            raise SettingsError(f"no format {kind!r}: choose among {', '.join(EXPORTS)}")
        if kind in ID_MAPS:
            safe_name(clip.name)
            if sentences > MOST_IDS:
                raise SettingsError(
                    f"{sentences} sentences do not fit in one map of {kind}: {MOST_IDS} at most; ask in "
                    "several runs, or leave out the format"
                )


def save_results(
    results: Sequence[Result], folder: str | Path, *, formats: Sequence[str] = (), hook: Hook = no_hook
) -> Path:
    """Write the results of one clip under `folder`, which is returned.

    masks/QUERY/00000.png (0/255), overlay.mp4 (H.264 with the clip's sound), report.html, the forms named
    in `formats`, and last of all result.json: where it is there, everything else is complete.
    Raises what `check_formats` and `results_folder` do.
    """
    check_formats(formats, results[0].clip, len(results))
    with results_folder(folder) as target:
        write_results(results, target, formats, hook)
    return target


@contextmanager
def results_folder(folder: str | Path) -> Iterator[Path]:
    """Keep `folder`, made if missing, for `write_results`: better taken before the work than after.

    Raises `OutputLocked` if another process writes there, `SettingsError` where nothing can be written.
    """
    target = Path(folder)
    with output_lock(target):
        if (target / "masks").exists() and not (target / "masks").is_dir():
            raise SettingsError(f"{target / 'masks'} is no folder: choose another folder (--out)")
        yield target


def write_results(
    results: Sequence[Result], target: Path, formats: Sequence[str], hook: Hook
) -> Sequence[Result]:
    """`save_results` into a `results_folder` that is held already.

    Returns the results with notes on what the forms cannot show.
    """
    results = say_hidden(results, formats)
    clip = results[0].clip
    named = [NamedTrack(result.slug, result.query, result.track) for result in results]
    (target / "result.json").unlink(missing_ok=True)
    for kind in dict.fromkeys(("masks", *formats)):
        export(kind, target, clip, named)
    overlay = target / "overlay.mp4"
    write_overlay(overlay, clip, [one.track for one in named], [one.text for one in named], hook)
    write_report(target / "report.html", results, overlay)
    write_text(target / "result.json", json.dumps(summary(results), indent=1, ensure_ascii=False))
    return results


def summary(results: Sequence[Result]) -> Details:
    """What result.json holds."""
    clip = results[0].clip
    return {
        "refervid": __version__,
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
    """That of all results where they agree; `partial` if some failed or broke off; `guess` if some are
    guesses; else `ok`.
    """
    statuses = {result.status for result in results}
    if len(statuses) == 1:
        return statuses.pop()
    if statuses & {"failed", "partial"}:
        return "partial"
    return "guess" if "guess" in statuses else "ok"
