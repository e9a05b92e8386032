"""The folder of a session: damaged, of a stranger, in use, of another clip, with files of others."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from refervid import Session, open_clip
from refervid.core.errors import BadResult, MediaNotFound, OutputConflict, OutputLocked, SettingsError
from refervid.pipelines.base import Pipeline
from refervid.pipelines.session.identity import reopened
from refervid.pipelines.session.journal import Journal
from tests.clips import disc_and_square, tone, write_pictures, write_wav
from tests.engines.made_clips import Made
from tests.pipelines.session.conftest import FRAMES, again, mark

NO_MARK = {"box_xyxy": None, "mask": None, "points_xy": None, "point_labels": None}


def test_a_damaged_object_is_told_and_its_edit_can_be_taken_back(session: Session, made: Made) -> None:
    session.add(mark(made, 0, 0))
    session.add(mark(made, 1, 0))
    file = session.folder / "objects" / f"{session.objects[2].digest}.json"
    session = again(session)
    file.write_text(file.read_text().replace('"height":144', '"height":143'))
    with pytest.raises(BadResult, match="was changed since"):
        session.results()
    session.undo()
    assert len(session.results()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"height": 10**8},
        {"masks": []},
        {"pivots": [{"frame": FRAMES, **NO_MARK}]},
        {"presence": [1e308] * FRAMES},
    ],
    ids=str,
)
def test_an_object_of_a_stranger_is_told(
    session: Session, made: Made, pipeline: Pipeline, tmp_path: Path, change: dict[str, Any]
) -> None:
    session.add(mark(made, 0, 0))
    known = session.objects[1].digest
    text = json.dumps({**json.loads((session.folder / "objects" / f"{known}.json").read_text()), **change})
    digest = hashlib.sha256(text.encode()).hexdigest()
    head, edit = Journal(session.folder / "edits.jsonl", {}, tmp_path).lines
    journal = Journal(tmp_path / "other" / "edits.jsonl", head, tmp_path)
    journal.append(json.loads(json.dumps(edit).replace(known, digest)))
    (tmp_path / "other" / "objects").mkdir()
    (tmp_path / "other" / "objects" / f"{digest}.json").write_text(text)
    with (
        Session(made.clip, tmp_path / "other", pipeline) as other,
        pytest.raises(BadResult, match="object 1 in"),
    ):
        other.results()


@pytest.mark.parametrize(
    "change", [{"source": 5}, {"reading": 5}, {"reading": {"every": "x"}}, {"source": "x" * 5_000}], ids=str
)
def test_a_clip_of_which_a_stranger_tells_is_reopened_or_said_to_be_gone(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    Journal(tmp_path / "edits.jsonl", {"source": str(tmp_path), "reading": {}, **change}, tmp_path)
    with pytest.raises((BadResult, MediaNotFound)):
        reopened(tmp_path)


def test_one_process_at_a_time_and_one_clip(session: Session, made: Made, pipeline: Pipeline) -> None:
    with pytest.raises(OutputLocked):
        Session(made.clip, session.folder, pipeline)
    session.close()
    part = open_clip(made.clip.source, every=2)
    with pytest.raises(SettingsError, match="another clip"):
        Session(part, session.folder, pipeline)
    Session(made.clip, session.folder, pipeline).close()


def test_a_clip_whose_files_were_replaced_is_another_one(pipeline: Pipeline, tmp_path: Path) -> None:
    """Fault 36: as many frames under the same names, and sound of as many bytes."""
    frames, work = disc_and_square(3), tmp_path / "work"
    pictures = write_pictures(tmp_path / "pictures", frames)
    sound = write_wav(tmp_path / "sound.wav", tone(1))
    for _ in range(2):
        Session(open_clip(pictures, audio=sound), work, pipeline).close()
    write_wav(sound, tone(1, 880))
    with pytest.raises(SettingsError, match="were replaced since"):
        Session(open_clip(pictures, audio=sound), work, pipeline)
    write_wav(sound, tone(1))
    write_pictures(pictures, frames[::-1])
    with pytest.raises(SettingsError, match="were replaced since"):
        Session(open_clip(pictures, audio=sound), work, pipeline)
    write_pictures(pictures, frames)
    Session(open_clip(pictures, audio=sound), work, pipeline).close()


def test_files_of_others_stay(made: Made, pipeline: Pipeline, tmp_path: Path) -> None:
    mine = tmp_path / "edits.jsonl"
    mine.write_text("a list of edits of mine\n")
    with pytest.raises(OutputConflict):
        Session(made.clip, tmp_path, pipeline)
    assert mine.read_text() == "a list of edits of mine\n"
    with pytest.raises(OutputConflict, match="input"):
        Session(made.clip, made.clip.source, pipeline)
