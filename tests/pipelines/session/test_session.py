"""Objects that keep their ids, names and bytes through every edit, restart and kill."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from refervid import Pivot, Session, TextReference, load
from refervid.core.errors import SettingsError
from refervid.pipelines.session import session as module
from tests.engines.made_clips import Made, box_of, iou
from tests.engines.sam2 import tiny
from tests.pipelines.session.conftest import FRAMES, again, mark


def overlap(session: Session, number: int, made: Made, thing: int) -> float:
    track = session[number].track
    return float(np.mean([iou(a, b) for a, b in zip(track, made.masks[thing], strict=True)]))


def test_an_object_added_in_mid_clip_leaves_the_others_as_they_are(session: Session, made: Made) -> None:
    red = session.add(mark(made, 0, 0), "red")
    before, file = session.objects[red], session.folder / "objects" / f"{session.objects[red].digest}.json"
    written = file.stat().st_mtime_ns
    blue = session.add(Pivot(5, box_xyxy=box_of(made.masks[1][5])), "blue")
    assert (red, blue) == (1, 2)
    assert session.objects[red] == before
    assert file.stat().st_mtime_ns == written
    assert overlap(session, red, made, 0) > 0.9
    assert overlap(session, blue, made, 1) > 0.7


def test_a_correction_touches_its_object_as_far_as_the_neighbouring_marks(
    session: Session, made: Made
) -> None:
    first = session.add([mark(made, 0, 0), mark(made, 0, 3)])
    other = session.add(mark(made, 1, 0))
    before, untouched = session[first].whole.copy(), session.objects[other]
    session.correct(first, mark(made, 1, 6))
    after = session[first].whole
    assert session.objects[other] == untouched
    assert [after.rle(index) for index in range(4)] == [before.rle(index) for index in range(4)]
    assert iou(after[6], made.masks[1][6]) > 0.95
    assert [pivot.frame_index for pivot in session[first].pivots] == [0, 3, 6]


def test_split_and_merge_compute_nothing_and_give_back_the_same_masks(session: Session, made: Made) -> None:
    number = session.add(mark(made, 0, 1), "red")
    whole = session[number].track.stack()
    late = session.split(number, 5, "late red")
    assert not session[number].track.areas()[5:].any()
    assert not session[late].track.areas()[:5].any()
    assert {pivot.frame_index for pivot in session[number].pivots} == {1}
    assert session[late].pivots[0].frame_index >= 5  # what it can be corrected from
    session.merge(number, late)
    assert [*session.objects] == [number]
    assert session[number].name == "red"
    assert (session[number].track.stack() == whole).all()
    with pytest.raises(SettingsError, match="no mask"):
        session.split(number, 0)
    with pytest.raises(SettingsError, match="itself"):
        session.merge(number, number)


def test_forgetting_from_a_frame_on_holds_when_it_is_corrected_before(session: Session, made: Made) -> None:
    number = session.add(mark(made, 0, 0))
    session.forget(number, 4)
    assert (session[number].track.areas() > 0).tolist() == [True] * 4 + [False] * 4
    session.correct(number, mark(made, 0, 2))
    assert not session[number].track.areas()[4:].any()
    session.forget(number)
    assert session.objects == {}
    with pytest.raises(SettingsError, match="no object 1"):
        session.rename(number, "again")


def test_undo_and_redo_go_over_restarts_and_ids_are_never_given_twice(session: Session, made: Made) -> None:
    red = session.add(mark(made, 0, 0), "red")
    states = [session.objects]
    session.rename(red, "cup")
    states.append(session.objects)
    session.add(mark(made, 1, 0), "blue")
    states.append(session.objects)
    for state in states[1::-1]:
        session = again(session)
        session.undo()
        assert session.objects == state
    assert session.undone == ["add blue", "rename red to cup"]
    session = again(session)
    session.redo()
    assert session.objects == states[1]
    assert session.add(mark(made, 1, 3)) == 3  # 2 was blue
    assert session.undone == []
    with pytest.raises(SettingsError, match="nothing to redo"):
        session.redo()


class Stop(Exception):
    pass


def stopping_at(count: int, stage: str = "track"):
    def hook(name: str, artefact: object, completed: int, total: int) -> None:
        if name == stage and completed == count:
            raise Stop

    return hook


def test_cancelling_keeps_the_frames_done_and_going_on_leaves_them(session: Session, made: Made) -> None:
    with pytest.raises(Stop):
        session.add(mark(made, 0, 2), "red", hook=stopping_at(6))
    session = again(session)
    half = session[1].whole
    assert session.objects[1].unfinished
    assert half.written[2:6].all()  # how far the sweep back is before them is its own affair
    assert not half.written[6:].any()
    assert half.areas()[half.written].all()
    session.go_on()
    assert not session.objects[1].unfinished
    assert overlap(session, 1, made, 0) > 0.9
    done = np.flatnonzero(half.written)
    assert [session[1].whole.rle(index) for index in done] == [half.rle(index) for index in done]
    edits = session.edits
    session.go_on()  # nothing is left
    assert session.edits == edits


def test_a_cancelled_correction_keeps_its_frames_and_can_be_taken_back(session: Session, made: Made) -> None:
    number = session.add(mark(made, 0, 0))
    before = session.objects
    with pytest.raises(Stop):
        session.correct(number, mark(made, 1, 3), hook=stopping_at(5))
    assert iou(session[number].whole[3], made.masks[1][3]) > 0.9
    assert session.objects[number].unfinished
    session.undo()
    assert session.objects == before


def test_nothing_is_kept_of_what_stopped_before_a_frame_was_done(session: Session, made: Made) -> None:
    with pytest.raises(SettingsError, match="frames 0 to 7"):
        session.add(Pivot(99, mask=made.masks[0][2]))
    assert session.edits == []


def test_sam2_can_be_stopped_and_gone_on_with(tmp_path: Path) -> None:
    tiny.sam2_model().save_pretrained(tmp_path / "weights")
    changes = ["tracker.kind=sam2", f"tracker.weights={tmp_path / 'weights'}"]
    box = np.array([10, 10, 40, 30], np.float32)
    with Session(tiny.clip(8), tmp_path / "work", load("lite", device="cpu", settings=changes)) as session:
        with pytest.raises(Stop):
            session.add(Pivot(2, box_xyxy=box), hook=stopping_at(4))
        written = session[1].whole.written.sum()
        assert 0 < written < 8
        session.go_on()
        assert session[1].whole.written.all()
        with pytest.raises(Stop):
            session.correct(1, Pivot(5, box_xyxy=box + 5), hook=stopping_at(2))
        assert 0 < session[1].whole.written.sum() < 8
        session.go_on()
        assert session[1].whole.written.all()


def test_long_work_is_put_on_the_disk_as_it_goes(
    session: Session, made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT_S", 0.0)
    seen = []

    def look(stage: str, artefact: object, completed: int, total: int) -> None:
        if stage == "track":
            copy = session.folder.parent / "copy"
            shutil.copytree(session.folder, copy)
            with Session(made.clip, copy, session.pipeline) as other:  # what a kill now would leave
                seen.extend([int(other[number].whole.written.sum()) for number in other.objects])
            shutil.rmtree(copy)

    session.add(mark(made, 0, 3), hook=look)
    assert seen == sorted(seen)
    assert seen[-1] == FRAMES
    assert len({*seen}) >= FRAMES - 3  # a frame further each time; those before 3 are another sweep's
    assert session.edits == ["add object 1"]
    assert len(list((session.folder / "objects").iterdir())) == 1


def test_halves_of_characters_are_no_obstacle(session: Session, made: Made) -> None:
    """No file can hold them: a page takes them from JSON, a command line from bytes that are no UTF-8."""
    session.ask("the red thing \ud800")
    number = session.add(mark(made, 1, 0), "blue \udcff")
    session.rename(number, "cup \ud83d")
    assert [one.query for one in again(session).results()] == ["the red thing ?", "cup ?"]


BOX = np.array([13, 53, 43, 83], np.float32)
NONSENSE: dict[str, Callable[[Session], object]] = {
    "None is no list of refervid.Pivot": lambda session: session.add(None),
    "3 is no list of refervid.Pivot": lambda session: session.add(3),
    "frame_index='0' is no whole number": lambda session: session.add(Pivot("0", box_xyxy=BOX)),
    r"box_xyxy=\[1, 2, 3\] is no array": lambda session: session.add(Pivot(0, box_xyxy=[1, 2, 3])),
    "is no array of numbers of shape": lambda session: session.add(Pivot(0, box_xyxy=np.array([None] * 4))),
    r"points_xy=\[\[1, 2\], \[3\]\]": lambda session: session.add(Pivot(0, points_xy=[[1, 2], [3]])),
    "name=3 is no word": lambda session: session.add(Pivot(0, box_xyxy=BOX), 3),
    r"answer=\[1\] is no whole number": lambda session: session.add(Pivot(0, box_xyxy=BOX), answer=[1]),
    r"object=\[1\] is no whole number": lambda session: session[[1]],
    "object=True is no whole number": lambda session: session.correct(True, Pivot(0, box_xyxy=BOX)),
    "frame='4' is no whole number": lambda session: session.split(1, "4"),
    "frame 99: the clip has frames": lambda session: session.split(1, 99),
    "name=5 is no word": lambda session: session.split(1, 2, 5),
    r"object=\[2\] is no whole number": lambda session: session.merge(1, [2]),
    "name=None is no word": lambda session: session.rename(1, None),
    "frame=None is no whole number": lambda session: session.forget(1, None),
    "frame 98: the clip has frames": lambda session: session.forget(1, 98),
    "text=None is no sentence": lambda session: session.ask(None),
    r"text=\[None\] is no sentence": lambda session: session.ask([None]),
    r"answer=\[2\] is no whole number": lambda session: session.review([2], "accepted"),
    "answer='1' is no whole number": lambda session: session.withdraw("1"),
    "folder=3 is no path": lambda session: Session(session.clip, 3, session.pipeline),
}


def test_what_makes_no_sense_is_told_and_changes_nothing(session: Session, made: Made) -> None:
    session.add(mark(made, 0, 0), "red")
    for why, edit in NONSENSE.items():
        with pytest.raises(SettingsError, match=why):
            edit(session)
    assert session.edits == ["add red"]


def test_an_answer_has_its_objects_and_what_was_thought_of_them(session: Session, made: Made) -> None:
    red, none = session.ask(["the red thing", "the zebra"])
    [number] = session.answers[red].objects
    assert session.answers[none].objects == ()
    [found, missing] = session.results()
    assert (found.query, found.status, missing.status) == ("the red thing", "guess", "not_found")
    assert found.decisions
    assert found.confidence < 1
    assert found.notes != session.clip.notes
    assert missing.notes
    session.add(mark(made, 1, 0), "blue")
    session.review(red, "accepted")
    assert (session.results()[0].status, session.results()[0].confidence) == ("ok", 1.0)
    assert session.results()[0].notes == session.clip.notes  # nothing is in doubt any more
    session.review(none, "accepted")
    assert session.results()[1].notes == missing.notes  # but why nothing is there can still be read
    session.review(none, "rejected")
    session = again(session)
    session.correct(number, mark(made, 1, 4))
    session.add(mark(made, 1, 2), "zebra", answer=none)
    found, missing, blue = session.results()
    assert (found.confidence, missing.status, blue.query) == (1.0, "ok", "blue")
    assert session.answers[none].review == "rejected"
    session.undo()
    session.forget(number)
    assert session.results()[0].status == "not_found"
    with pytest.raises(SettingsError, match="open, accepted, rejected"):
        session.review(red, "fine")  # type: ignore[arg-type]


def test_an_answer_keeps_what_it_was_chosen_from_and_can_be_withdrawn(session: Session, made: Made) -> None:
    [answer] = session.ask("the green thing")
    [fresh] = session.pipeline.run(session.clip, [TextReference("the green thing")])
    session = again(session)
    [kept] = session.results()
    assert len(kept.decisions) == len(fresh.decisions)
    for one, other in zip(kept.decisions, fresh.decisions, strict=True):
        assert one.jpeg == other.jpeg
        for a, b in zip(one.candidates, other.candidates, strict=True):
            assert (a.mask is None and b.mask is None) or (a.mask == b.mask).all()
    assert any(one.mask is not None for each in kept.decisions for one in each.candidates)
    added = session.add(mark(made, 0, 0), answer=answer)
    session.withdraw(answer)
    assert (session.answers, session.objects) == ({}, {})
    session.undo()
    assert session.answers[answer].objects[-1] == added


def test_an_object_that_is_started_over_is_what_its_mark_shows(session: Session, made: Made) -> None:
    number = session.add([mark(made, 0, 0), mark(made, 0, 6)])
    session.correct(number, mark(made, 1, 3), afresh=True)
    assert overlap(session, number, made, 1) > 0.9
    assert [pivot.frame_index for pivot in session[number].pivots] == [3]
    session.undo()
    assert overlap(session, number, made, 0) > 0.9


def test_everything_is_saved_under_lasting_ids(session: Session, made: Made, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nothing to save"):
        session.save(tmp_path / "out")
    session.add(mark(made, 0, 0), "red")
    session.forget(1)
    session.add(mark(made, 1, 0), "blue")
    out = session.save(tmp_path / "out", formats=["mot"])
    [query] = json.loads((out / "result.json").read_text())["queries"]
    assert (query["query"], [one["id"] for one in query["objects"]]) == ("blue", [2])


def run_storm(folder: Path, edits: int, kills: int) -> None:
    command = [sys.executable, "-m", "tests.pipelines.session.storm", str(folder), str(edits), str(kills)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[3])
    assert ran.returncode == 0, ran.stderr
    report = json.loads(ran.stdout)
    assert report["kills"] == kills
    assert report["edits"] == edits
    assert report["same"]
    assert report["same_in_one_go"]
    assert report["objects"] >= 2
    assert not report["changed_files"]
    assert not report["left"]


def test_random_edits_with_kills_come_to_what_they_come_to_in_one_go(tmp_path: Path) -> None:
    run_storm(tmp_path, 12, 4)


@pytest.mark.slow
def test_two_hundred_random_edits_with_kills(tmp_path: Path) -> None:
    run_storm(tmp_path, 200, 30)
