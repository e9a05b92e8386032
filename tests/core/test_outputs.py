"""The lock of an output folder, what is not whole yet, and how one result takes the place of another."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from refervid.core.errors import OutputConflict, OutputFailed, OutputLocked, SettingsError, UnsafeName
from refervid.core.manifest import files_of, sealed
from refervid.core.outputs import (
    LOCK,
    ResultFolder,
    output_lock,
    refuse_inputs,
    result_folder,
    shared_output_lock,
    writing_to,
)

UNFINISHED = ".refervid-0123456789abcdef"

HOLDER = """
import sys
from pathlib import Path
from refervid.core.outputs import output_lock
out = Path(sys.argv[1])
with output_lock(out) as unfinished:
    (unfinished / "half.txt").write_text("half")
    print(unfinished, flush=True)
    sys.stdin.read()
"""


def save(folder: Path, files: dict[str, str], note: str = "") -> None:
    """A result of these files."""
    with result_folder(folder, "result.json", []) as target:
        fill(target, files)
        target.finish({"note": note})


def fill(target: ResultFolder, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = target.new / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def tree(folder: Path) -> dict[str, bytes]:
    """Every file but the lock."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != LOCK
    }


def test_the_lock_keeps_others_out_and_dies_with_its_process(tmp_path: Path) -> None:
    out = tmp_path / "out"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    unfinished = Path(holder.stdout.readline().strip())
    with pytest.raises(OutputLocked, match=str(holder.pid)), output_lock(out):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    (out / ".refervid-0123456789abcdef").mkdir()  # of the same form, and not named in the lock
    assert (unfinished / "half.txt").exists()
    with output_lock(out) as own:
        assert not unfinished.exists()
        assert own.is_dir()
    assert sorted(os.listdir(out)) == [".refervid-0123456789abcdef", LOCK]
    assert (out / LOCK).read_bytes() == b""


def test_a_new_folder_that_a_failed_run_did_not_write_to_is_not_left(tmp_path: Path) -> None:
    def fail(folder: Path, after: Callable[[], object]) -> None:
        with output_lock(folder):
            after()
            raise ValueError("refused")

    def put_another_there() -> None:
        new.rename(tmp_path / "elsewhere")
        new.mkdir()
        (new / LOCK).touch()

    new, mine = tmp_path / "new", tmp_path / "mine"
    mine.mkdir()
    for folder in (new / "below", mine):
        with pytest.raises(ValueError, match="refused"):
            fail(folder, lambda: None)
    assert os.listdir(tmp_path) == ["mine"]
    assert os.listdir(mine) == [LOCK]
    with pytest.raises(ValueError, match="refused"):
        fail(new, put_another_there)
    assert os.listdir(new) == [LOCK]
    shutil.rmtree(new)
    with pytest.raises(ValueError, match="refused"):
        fail(new, (new / "kept").touch)
    assert sorted(os.listdir(new)) == [LOCK, "kept"]


def test_a_lock_that_was_removed_meanwhile_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flock = fcntl.flock

    def remove_first(file: IO[str], kind: int) -> None:
        (tmp_path / LOCK).unlink()
        flock(file, kind)

    monkeypatch.setattr(fcntl, "flock", remove_first)
    with pytest.raises(OutputLocked), output_lock(tmp_path):
        pass


def test_a_shared_lock_keeps_out_those_who_want_it_alone(tmp_path: Path) -> None:
    alone = pytest.raises(OutputLocked, match="another process is writing")
    with shared_output_lock(tmp_path), shared_output_lock(tmp_path), alone, output_lock(tmp_path):
        pass
    shared = pytest.raises(OutputLocked, match=str(os.getpid()))
    with output_lock(tmp_path), shared, shared_output_lock(tmp_path):
        pass


@pytest.mark.parametrize(
    "content", ["mine", "123\n", "12 .refervid-0123\n", "1 .refervid-0123456789abcdef\nmore"]
)
def test_a_lock_that_is_none_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / LOCK).write_text(content)
    with pytest.raises(OutputConflict, match="no lock of this program"), output_lock(tmp_path):
        pass
    assert (tmp_path / LOCK).read_text() == content


@pytest.mark.parametrize("link", [UNFINISHED, f"{UNFINISHED}/new", f"{UNFINISHED}/new/masks"])
def test_what_a_folder_of_a_stranger_says_was_decided_moves_nothing_from_elsewhere(
    tmp_path: Path, link: str
) -> None:
    out, home = tmp_path / "out", tmp_path / "home"
    decided = json.dumps(
        {"document": "r.json", "former": {}, "files": {"masks/key": {}, "new/masks/key": {}}}
    )
    for folder in (home, home / "masks", home / "new" / "masks", out / UNFINISHED / "new"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "key").write_text("mine")
        (folder / "journal.json").write_text(decided)
    (out / UNFINISHED / "journal.json").write_text(decided)
    (out / LOCK).write_text(f"1 {UNFINISHED}\n")
    shutil.rmtree(out / link, ignore_errors=True)
    (out / link).symlink_to(home / "masks" if link.endswith("masks") else home)
    before = tree(tmp_path)
    with pytest.raises(UnsafeName, match="symbolic link"), output_lock(out):
        pass
    assert tree(tmp_path) == before


@pytest.mark.parametrize("decided", ["", "[]", '{"document": "r.json"}', "[" * 10_000, None])
def test_what_was_not_decided_by_this_program_is_told_and_left_alone(
    tmp_path: Path, decided: str | None
) -> None:
    journal = tmp_path / UNFINISHED / "journal.json"
    journal.parent.mkdir()
    if decided is None:
        os.mkfifo(journal)
    else:
        journal.write_text(decided)
    (tmp_path / LOCK).write_text(f"1 {UNFINISHED}\n")
    with pytest.raises(OutputConflict, match="not as this program writes it: delete"), output_lock(tmp_path):
        pass
    assert journal.exists()
    shutil.rmtree(journal.parent)
    with output_lock(tmp_path):
        pass


def test_a_lock_that_is_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / LOCK)
    with pytest.raises(OutputConflict, match="no lock of this program"), output_lock(tmp_path):
        pass


def test_a_lock_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    (tmp_path / LOCK).symlink_to(tmp_path / "mine")
    with pytest.raises(SettingsError, match="cannot write"), output_lock(tmp_path):
        pass
    assert (tmp_path / LOCK).is_symlink()


def test_a_result_takes_the_place_of_the_one_before_and_of_nothing_else(tmp_path: Path) -> None:
    strangers = {"a/mine.txt": "mine", "b/sub/mine.txt": "mine", ".x.part.y": "mine"}
    for name, text in strangers.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    save(tmp_path, {"a/1.txt": "1", "b/sub/2.txt": "2", "c/d/3.txt": "3", "same.txt": "old"})
    save(tmp_path, {"a/4.txt": "4", "same.txt": "new"})
    found = tree(tmp_path)
    document = json.loads(found.pop("result.json"))
    assert found == {
        name: text.encode() for name, text in (strangers | {"a/4.txt": "4", "same.txt": "new"}).items()
    }
    assert not (tmp_path / "c").exists()
    assert set(document["files"]) == {"a/4.txt", "same.txt"}
    assert document["files"]["same.txt"]["bytes"] == 3


@pytest.mark.parametrize("change", ["result.json", "a/1.txt"])
def test_what_was_changed_since_is_not_replaced(tmp_path: Path, change: str) -> None:
    save(tmp_path, {"a/1.txt": "1", "b.txt": "2"})
    text = (tmp_path / change).read_text()
    (tmp_path / change).write_text(text.replace("1", "7"))
    before = tree(tmp_path)
    with pytest.raises(OutputConflict, match=change), result_folder(tmp_path, "result.json", []) as target:
        target.check(["b.txt"])
    with pytest.raises(OutputConflict, match=change):
        save(tmp_path, {"b.txt": "3"})
    assert tree(tmp_path) == before
    (tmp_path / change).unlink()
    if change != "result.json":  # without it nothing is known to be ours
        save(tmp_path, {"b.txt": "3"})
        assert tree(tmp_path)["b.txt"] == b"3"


def test_what_was_deleted_since_does_not_matter(tmp_path: Path) -> None:
    save(tmp_path, {"a/1.txt": "1", "b.txt": "2"})
    (tmp_path / "a" / "1.txt").unlink()
    save(tmp_path, {"b.txt": "3"})
    assert tree(tmp_path)["b.txt"] == b"3"


@pytest.mark.parametrize("stranger", ["b.txt", "result.json", "a"])
def test_files_of_others_are_not_replaced(tmp_path: Path, stranger: str) -> None:
    (tmp_path / stranger).write_text("mine")
    with pytest.raises(OutputConflict, match=stranger), result_folder(tmp_path, "result.json", []) as target:
        target.check(["b.txt", "a/1.txt"])
    with pytest.raises(OutputConflict, match=stranger):
        save(tmp_path, {"b.txt": "3", "a/1.txt": "1"})
    assert tree(tmp_path) == {stranger: b"mine"}


def test_a_document_that_names_files_outside_is_refused(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    out = tmp_path / "out"
    save(out, {"b.txt": "1"})
    files = files_of(out / "result.json")
    (out / "result.json").write_text(sealed({"files": {"../victim": files["b.txt"]}}))
    with pytest.raises(UnsafeName):
        save(out, {"b.txt": "2"})
    assert (tmp_path / "victim").read_text() == "mine"
    for listed in (5, {"b.txt": 5}, None):
        (out / "result.json").write_text(sealed({"files": listed}))
        assert files_of(out / "result.json") == {}


@pytest.mark.parametrize("text", ["no JSON", '"a": ' + "[" * 10_000, '{"a": ' + "9" * 5_000])
def test_a_document_that_is_sealed_and_no_json_lists_nothing(tmp_path: Path, text: str) -> None:
    whole = sealed({})
    blank = whole[: whole.rindex('"seal"')].replace("{", text + ", ") + '"seal": "' + "0" * 64 + '"}'
    seal = hashlib.sha256(blank.encode()).hexdigest()
    (tmp_path / "result.json").write_text(blank.replace("0" * 64, seal))
    assert files_of(tmp_path / "result.json") == {}


def test_a_document_of_hundreds_of_gigabytes_lists_nothing(tmp_path: Path) -> None:
    with (tmp_path / "result.json").open("wb") as file:
        file.truncate(200 * 2**30)
    assert files_of(tmp_path / "result.json") == {}


def test_a_failure_leaves_the_former_result_whole(tmp_path: Path) -> None:
    save(tmp_path, {"b.txt": "1"})
    before = tree(tmp_path)

    def fail() -> None:
        with result_folder(tmp_path, "result.json", []) as target:
            fill(target, {"b.txt": "2"})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert tree(tmp_path) == before


KILLED = """
import os, signal, sys
from pathlib import Path
from refervid.core import outputs

def replace(out, moment):
    calls = 0
    def counted(call):
        def wrapped(*args, **kwargs):
            nonlocal calls
            if calls == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            calls += 1
            return call(*args, **kwargs)
        return wrapped
    for name in ("replace", "unlink", "mkdir", "rmdir", "rename", "fsync"):
        setattr(os, name, counted(getattr(os, name)))
    with outputs.result_folder(out, "result.json", []) as target:
        (target.new / "new").mkdir()
        for name in ("same.txt", "new/2.txt"):
            (target.new / name).write_text("new")
        target.finish({})

for moment, out in enumerate(sys.argv[1:]):
    pid = os.fork()
    if not pid:
        replace(Path(out), moment)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0:
        break
print(moment)
"""


def test_a_kill_at_any_change_of_the_disk_leaves_the_old_result_or_the_new_one(tmp_path: Path) -> None:
    """Or one that the next run completes first. Each of the copies sees the kill one change later."""
    old, new = {"same.txt": b"old", "old/1.txt": b"old"}, {"same.txt": b"new", "new/2.txt": b"new"}
    save(tmp_path / "former", {name: text.decode() for name, text in old.items()})
    (tmp_path / "former" / "old" / "mine.txt").write_text("mine")
    copies = [shutil.copytree(tmp_path / "former", tmp_path / str(moment)) for moment in range(100)]
    run = subprocess.run([sys.executable, "-c", KILLED, *map(str, copies)], capture_output=True, check=True)
    undisturbed = int(run.stdout)
    assert 10 < undisturbed < 99
    outcomes = []
    for out in copies[: undisturbed + 1]:
        if (out / "result.json").exists():
            listed = json.loads((out / "result.json").read_text())["files"]
            assert all((out / name).exists() for name in listed)
        with output_lock(out):
            pass
        found = tree(out)
        assert found.pop("old/mine.txt") == b"mine"
        listed = json.loads(found.pop("result.json"))["files"]
        assert found in (old, new)
        assert set(listed) == set(found)
        assert not list(out.glob(".refervid-*"))
        outcomes.append(found == new)
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {False, True}


def test_outputs_are_no_inputs_by_any_name(tmp_path: Path) -> None:
    clip = tmp_path / "out" / "overlay.mp4"
    clip.parent.mkdir()
    clip.write_bytes(b"film")
    os.link(clip, tmp_path / "hard.mp4")
    (tmp_path / "soft.mp4").symlink_to(clip)
    (tmp_path / "link").symlink_to(tmp_path / "out")
    other = tmp_path / "out" / "OVERLAY.mp4"
    other.write_bytes(b"film")
    for path in (
        clip,
        tmp_path / "hard.mp4",
        tmp_path / "soft.mp4",
        other,
        tmp_path / "link" / "overlay.mp4",
    ):
        for out in (clip.parent, tmp_path / "link", tmp_path / "out" / ".." / "out"):
            with pytest.raises(OutputConflict, match="is an input"):
                refuse_inputs(out, ["result.json", "overlay.mp4"], [path])
    refuse_inputs(clip.parent, ["result.json"], [clip, tmp_path / "nothing"])
    for folder in (tmp_path / "out", tmp_path / "link", tmp_path):
        with pytest.raises(OutputConflict, match="is an input"):
            refuse_inputs(tmp_path / "out" / "new" / "deep", ["result.json"], [folder])
    (tmp_path / "out" / "frames").mkdir()
    refuse_inputs(tmp_path / "out", ["result.json", "masks/it/1.png"], [tmp_path / "out" / "frames"])


def test_a_folder_that_is_gone_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputFailed, match=r"gone \(the folder was removed\)"), writing_to(tmp_path / "gone"):
        (tmp_path / "gone" / "a.txt").write_text("")
