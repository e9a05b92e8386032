"""The folder of a result: what `refervid segment` leaves behind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path

from refervid.core.arguments import did_you_mean, need_path, need_words
from refervid.core.errors import SettingsError
from refervid.core.files import paths_below, safe_name, write_text
from refervid.core.manifest import files_of
from refervid.core.outputs import ResultFolder, result_folder, writing_to
from refervid.core.types import Hook, no_hook
from refervid.media.clip import Clip
from refervid.media.exports import EXPORTS, ID_MAPS, MOST_IDS, NamedTrack, coco_video, export
from refervid.media.overlay import write_overlay
from refervid.report.hidden import say_hidden
from refervid.report.outcome import Kind, Outcome
from refervid.report.page import write_report
from refervid.report.record import result_content


def check_formats(formats: Sequence[str], clip: Clip, sentences: int = 1) -> None:
    """Whether so many results of `clip` can be written in these forms: better asked before the work.

    Raises `SettingsError` for a form that `export` does not know or that cannot hold so many, and
    `UnsafeName` for one with a folder called as the clip, if no folder can be called so.
    """
    need_words("formats", formats)
    for kind in formats:
        if kind not in EXPORTS:
            raise SettingsError(
                f"no format {kind!r}{did_you_mean(kind, EXPORTS)}: choose among {', '.join(EXPORTS)}"
            )
        if kind in ID_MAPS:
            safe_name(clip.name)
            if sentences > MOST_IDS:
                raise SettingsError(
                    f"{sentences} sentences do not fit in one map of {kind}: {MOST_IDS} at most; ask in "
                    "several runs, or leave out the format"
                )


def save_results(
    results: Sequence[Outcome], folder: str | Path, *, formats: Sequence[str] = (), hook: Hook = no_hook
) -> Path:
    """Write the results of one clip under `folder`, which is returned.

    masks/QUERY/00000.png (0/255), objects.json (the masks of each object, in COCO's form for videos),
    overlay.mp4 (H.264 with the clip's sound), report.html, the forms named in `formats`, and result.json,
    which lists all of them with size and digest. They replace the files of
    the result that was there, and nothing else.
    Raises `SettingsError` for arguments of a wrong type, and what `check_formats`, `results_folder`,
    `ResultFolder.check` and `ResultFolder.finish` do.

    >>> folder = refervid.save_results([result], out / "saved", formats=["coco-rle"])
    >>> (folder / "result.json").is_file(), (folder / "masks" / "the-red-disc" / "00000.png").is_file()
    (True, True)
    """
    if not (isinstance(results, Sequence) and results and all(isinstance(one, Outcome) for one in results)):
        raise SettingsError(f"results={results!r:.60} is no list of results of a clip")
    clip = results[0].clip
    check_formats(formats, clip, len(results))
    with results_folder(need_path("folder", folder), clip) as target:
        target.check(result_files(clip, [result.slug for result in results], formats))
        write_results(results, target, formats, hook)
    return target.path


def results_folder(folder: str | Path, clip: Clip | None = None) -> AbstractContextManager[ResultFolder]:
    """Keep `folder`, made if missing, for `write_results`: better taken before the work than after.

    `clip` is what the results will be of, unless it is made in the folder itself.
    """
    inputs = [] if clip is None else [clip.source, *([] if clip.sound is None else [clip.sound.path])]
    return result_folder(folder, "result.json", inputs)


def result_files(clip: Clip, slugs: Sequence[str], formats: Sequence[str]) -> list[str]:
    """Names of all files that `write_results` writes for references with these slugs."""
    frames = [clip.frame_name(index) for index in range(len(clip))]
    exported = (EXPORTS[kind].files(clip.name, frames, slugs) for kind in ("masks", *formats))
    return ["objects.json", "overlay.mp4", "report.html", "result.json", *chain.from_iterable(exported)]


def is_written(results: Sequence[Outcome], folder: Path, formats: Sequence[str]) -> bool:
    """Whether `write_results` of the same results has been there, and its files still are."""
    clip = results[0].clip
    listed = files_of(folder / "result.json")
    names = result_files(clip, [result.slug for result in results], formats)
    if not listed.keys() >= {*names} or not all(path.is_file() for _, path in paths_below(folder, names)):
        return False
    content = json.loads((folder / "result.json").read_text("utf-8"))
    wanted = json.loads(json.dumps(result_content(say_hidden(results, formats))))
    return bool({key: content[key] for key in wanted} == wanted)


def write_results(
    results: Sequence[Kind], target: ResultFolder, formats: Sequence[str], hook: Hook
) -> list[Kind]:
    """`save_results` into a `results_folder` that is held already, and checked before the work.

    Returns the results with notes on what the forms cannot show.
    """
    target.check(())
    results = say_hidden(results, formats)
    clip = results[0].clip
    named = [
        NamedTrack(result.slug, result.query, result.track, [one.track for one in result.objects])
        for result in results
    ]
    with writing_to(target.path):
        for kind in dict.fromkeys(("masks", *formats)):
            export(kind, target.new, clip, named)
        overlay = target.new / "overlay.mp4"
        write_overlay(overlay, clip, [one.track for one in named], [one.label for one in results], hook)
        write_report(target.new / "report.html", results, overlay)
        groups = [(one.query, [(each.id, each.track) for each in one.objects]) for one in results]
        write_text(target.new / "objects.json", json.dumps(coco_video(clip, groups), ensure_ascii=False))
    target.finish(result_content(results))
    return results
