"""The work on one clip, without any page."""

from __future__ import annotations

import json
import runpy
import shutil
import zipfile
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from refervid.core.errors import NoAudioStream, SettingsError
from refervid.core.track import Underway
from refervid.pipelines.presets import load
from refervid.webui.clip_work import ClipWork
from refervid.webui.desk import Desk
from refervid.webui.job_queue import Cancelled
from refervid.webui.layout import FORMATS
from refervid.webui.limits import Limits
from refervid.webui.marks import Mark, mask_counts
from tests.clips import write_video
from tests.engines.sam2 import tiny
from tests.webui.conftest import (
    FRAMES,
    HEIGHT,
    LIMITS,
    SQUARE_CENTRE,
    WIDTH,
    disc_centre,
    pictures,
    there_and_back,
)

RED = "the red thing"
GREEN = "the green thing"
"""Which is not there, so that candidates stand there as they were found."""


def shows(work: ClipWork, index: int, centre: tuple[float, float], query: int = 0) -> bool:
    mask = work.present_answers().results[query].track[index]
    return bool(mask[round(centre[1]), round(centre[0])])


def square_box(frame: int, query: int | None = None, *, afresh: bool = False) -> Mark:
    return Mark(query=query, frame=frame, box=(98, 12, 131, 45), afresh=afresh)


def test_whoever_asks_while_a_clip_is_looked_at_is_shown_something(tmp_path: Path) -> None:
    clip = write_video(tmp_path / "there and back.mp4", pictures()[there_and_back()], fps=50)
    pipeline = load("lite", device="cpu", remember=False)
    with closing(Desk(tmp_path / "desk", LIMITS, lambda preset: pipeline)) as desk:
        work = desk.open(clip, clip.name)
        seen: list[str] = []

        def ask(stage: str, *_: object) -> None:
            if work.glimpse is None:
                work.first_look([RED], "lite")
            seen.append(stage)

        work.look_ahead(ask)
        assert {"motion", "objects", "evidence"} <= set(seen)
        assert work.glimpse is not None
        assert work.glimpse.masks[0].any()
        work.glimpse = None
        work.first_look([RED], "lite")
        assert work.glimpse is None  # the clip is known: the answer comes as soon


def test_ask_correct_undo_redo(work: ClipWork) -> None:
    stages: list[str] = []
    work.ask(["  the red thing ", "", RED], False, "lite", lambda stage, *_: stages.append(stage))
    [result] = work.present_answers().results
    assert result.status != "not_found"
    assert shows(work, 6, disc_centre(6))
    assert {"prepare", "track"} <= set(stages)
    work.draw_film()
    first = work.film
    assert first is not None
    assert first.is_file()

    work.mark(square_box(5, 0, afresh=True), "lite")
    assert shows(work, 6, SQUARE_CENTRE)
    assert not shows(work, 6, disc_centre(6))
    assert work.marked_frames(0) == [5]
    assert work.film is None
    assert not first.exists()

    work.undo()
    assert shows(work, 6, disc_centre(6))
    assert work.marked_frames(0) == []
    work.redo()
    assert shows(work, 6, SQUARE_CENTRE)
    work.undo()
    work.undo()
    assert work.answers is None
    with pytest.raises(SettingsError, match="nothing to undo"):
        work.undo()


def test_what_is_stopped_keeps_the_frames_done_and_goes_on(work: ClipWork) -> None:
    work.mark(square_box(0), "lite")
    glimpses: list[int] = []

    def stop(stage: str, artefact: object, completed: int, total: int) -> None:
        if isinstance(artefact, Underway):
            assert work.glimpse is not None
            glimpses.append(work.glimpse.frame)
        if stage == "track" and completed == FRAMES // 2:
            raise Cancelled

    disc = Mark(frame=0, box=(12, 52, 44, 84))
    with pytest.raises(Cancelled):
        work.mark(disc, "lite", stop)
    assert glimpses[0] == 0
    assert work.glimpse is None
    assert work.present_answers().unfinished == (False, True)
    assert shows(work, 3, disc_centre(3), 1)
    assert not work.present_answers().results[1].track[FRAMES - 1].any()
    work.go_on("lite")
    assert work.present_answers().unfinished == (False, False)
    assert shows(work, FRAMES - 1, disc_centre(FRAMES - 1), 1)


def test_answers_keep_their_place_and_are_not_asked_twice(work: ClipWork) -> None:
    work.mark(square_box(5), "lite")
    work.ask([RED], False, "lite")
    assert [one.query for one in work.present_answers().results] == ["object 1", RED]
    with pytest.raises(SettingsError, match="answered already"):
        work.ask([RED], False, "lite")
    work.ask([RED, GREEN], False, "lite")
    assert [one.query for one in work.present_answers().results] == ["object 1", RED, GREEN]
    work.rename(0, "the square")
    work.delete(1)
    assert [one.query for one in work.present_answers().results] == ["the square", GREEN]
    with pytest.raises(SettingsError, match="what you asked for"):
        work.rename(1, "grass")
    work.delete(0)
    work.undo()
    assert [one.query for one in work.present_answers().results] == ["the square", GREEN]


def test_a_mask_is_painted(work: ClipWork) -> None:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[12:45, 98:131] = True
    assert sum(mask_counts(mask)) == mask.size
    work.mark(Mark(frame=5, mask=mask_counts(mask)), "lite")
    assert (work.present_answers().results[0].track[5] == mask).all()
    assert shows(work, 6, SQUARE_CENTRE)
    with pytest.raises(SettingsError, match="144x96"):
        work.mark(Mark(frame=5, mask=[5, 5]), "lite")
    assert (Mark(frame=0, mask=mask_counts(~mask)).pivot(work.clip).mask == ~mask).all()


def test_a_candidate_is_taken_instead(work: ClipWork) -> None:
    work.ask([GREEN], False, "lite")
    [result] = work.present_answers().results
    place, decision = next(
        (place, one) for place, one in enumerate(result.decisions) if one.question == "box"
    )
    middles = [(one.box_xyxy[:2] + one.box_xyxy[2:]) / 2 for one in decision.candidates]
    nearest = int(np.argmin([np.hypot(*(middle - SQUARE_CENTRE)) for middle in middles]))
    work.take_candidate(0, place, nearest + 1, "lite")
    assert shows(work, 6, SQUARE_CENTRE)
    for wrong in ((0, place, 99), (0, 99, 1), (3, 0, 1)):
        with pytest.raises(SettingsError):
            work.take_candidate(*wrong, "lite")


def test_everything_is_in_the_zip(work: ClipWork) -> None:
    work.ask([RED], True, "lite")
    path = work.export([*FORMATS.values()])
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        answers = json.loads(archive.read("result.json"))
    assert [query["query"] for query in answers["queries"]] == [RED, "sound"]
    for name in ("overlay.mp4", "report.html", "how.txt", "coco_rle.json", "masks/the-red-thing/00000.png"):
        assert name in names
    for start in ("davis/", "youtube-vos/", "alpha/the-red-thing.webm", "coco.json", "cvat", "mot"):
        assert any(name.startswith(start) for name in names)
    assert not any("refervid.lock" in name for name in names)
    assert not (work.folder / "export").exists()


def test_the_recipe_gives_the_same_answers(
    work: ClipWork, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.ask([RED, GREEN], True, "lite")
    place = next(
        place
        for place, one in enumerate(work.present_answers().results[1].decisions)
        if one.question == "box"
    )
    work.take_candidate(1, place, 2, "lite")
    work.mark(square_box(5, 0, afresh=True), "lite")
    work.mark(Mark(query=0, frame=7, points=[SQUARE_CENTRE, (20, 80)], labels=[True, False]), "lite")
    work.mark(Mark(frame=0, mask=mask_counts(np.eye(HEIGHT, WIDTH, dtype=bool))), "lite")
    work.delete(3)
    work.undo()
    assert "--sound" in work.shell()
    assert "4 of your changes" in work.shell()
    shutil.copy(video, tmp_path)
    (tmp_path / "again.py").write_text(work.python(["coco-rle"]))
    monkeypatch.chdir(tmp_path)
    runpy.run_path("again.py")
    again = json.loads((tmp_path / "out" / "result.json").read_text())
    assert [query["areas"] for query in again["queries"]] == [
        result.areas.tolist() for result in work.present_answers().results
    ]
    assert (tmp_path / "out" / "coco_rle.json").exists()


def test_what_is_pointed_at_has_a_command_line(work: ClipWork) -> None:
    work.mark(square_box(5), "lite")
    assert "refervid track 'my clip.mp4' --box 'object 1=5:98.0,12.0,131.0,45.0'" in work.shell()
    work.mark(Mark(frame=0, points=[disc_centre(0), (10, 10)], labels=[True, False]), "lite")
    assert shows(work, 6, disc_centre(6), query=1)
    assert "--point 'object 2=0:28.0,68.0' --point 'object 2=0:10.0,10.0,-'" in work.shell()
    before = work.present_answers().results
    work.mark(Mark(query=1, frame=7, box=(33, 52, 65, 84)), "lite")
    assert (work.present_answers().results[0].areas == before[0].areas).all()
    assert "1 of your changes" in work.shell()
    with pytest.raises(SettingsError, match="frame 99"):
        work.mark(square_box(99), "lite")
    with pytest.raises(SettingsError, match="frame 99"):
        work.mark(square_box(99, 0), "lite")


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("my dög, 犬 #1 50%.mp4", "'my dög, 犬 #1 50%.mp4'"),
        ("it's.mp4", """'it'"'"'s.mp4'"""),
        ("-o.mp4", "./-o.mp4"),
    ],
)
def test_the_file_has_the_name_that_its_owner_knows(
    desk: Desk, video: Path, tmp_path: Path, name: str, word: str
) -> None:
    work = desk.open(Path(shutil.copy(video, tmp_path / "sent")), name)
    work.mark(square_box(5), "lite")
    assert work.shell().startswith(f"refervid track {word} --box")
    assert f"refervid.open_session({name!r}, " in work.python()


def test_so_many_answers_stand_side_by_side(tmp_path: Path, video: Path) -> None:
    desk = Desk(tmp_path / "desk", Limits(answers=1), lambda preset: load(preset, device="cpu"))
    work = desk.open(Path(shutil.copy(video, tmp_path / "upload")), video.name)
    work.mark(square_box(5), "lite")
    with pytest.raises(SettingsError, match="ask anew"):
        work.mark(square_box(5), "lite")
    desk.close()


def test_what_cannot_be_asked(desk: Desk, tmp_path: Path) -> None:
    work = desk.present_work()
    with pytest.raises(SettingsError, match="sentence"):
        work.ask([" "], False, "lite")
    for call in (work.shell, work.python, work.undo, work.redo, lambda: work.export([])):
        with pytest.raises(SettingsError):
            call()
    silent = desk.open(write_video(tmp_path / "silent.mp4", pictures()[:6]), "silent.mp4")
    with pytest.raises(NoAudioStream):
        silent.ask([], True, "lite")
    assert silent.answers is None


@pytest.mark.slow
def test_sam2_is_corrected_by_a_click(tmp_path: Path, video: Path) -> None:
    tiny.sam2_model().save_pretrained(tmp_path / "weights")
    changes = ["tracker.kind=sam2", f"tracker.weights={tmp_path / 'weights'}"]
    pipeline = load("lite", device="cpu", settings=changes)
    desk = Desk(tmp_path / "desk", LIMITS, lambda preset: pipeline)
    work = desk.open(Path(shutil.copy(video, tmp_path / "upload")), video.name)
    work.ask([RED], False, "lite")
    before = work.present_answers().results[0].track.stack()
    work.mark(Mark(query=0, frame=7, points=[SQUARE_CENTRE], labels=[True]), "lite")
    [result] = work.present_answers().results
    assert result.engines["tracker"].startswith("sam2")
    assert (result.track.stack() != before).any()
    work.undo()
    assert (work.present_answers().results[0].track.stack() == before).all()
    desk.close()
