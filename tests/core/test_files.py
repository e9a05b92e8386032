"""Results appear whole or not at all; names from outside stay inside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refervid.core.errors import OutputLocked, UnsafeName
from refervid.core.files import atomic_dir, atomic_file, inside, output_lock, safe_name, slug, write_text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("the blue cup", "the-blue-cup"),
        ("  The DOG, that jumps -- first!  ", "the-dog-that-jumps-first"),
        ("le café bleu", "le-café-bleu"),
        ("蓝色的杯子", "蓝色的杯子"),
        ("हिन्दी कप", "हिन्दी-कप"),
        ("../../etc/passwd", "etc-passwd"),
        ("?!", "query"),
        ("", "query"),
    ],
)
def test_slug(text: str, name: str) -> None:
    assert slug(text) == name


def test_slug_is_unique_among_the_taken() -> None:
    assert slug("the cup", {"the-cup", "the-cup-2"}) == "the-cup-3"


@given(st.text())
def test_every_text_has_a_safe_slug(text: str) -> None:
    name = slug(text)
    assert safe_name(name) == name
    assert len(name) <= 60
    assert not name.startswith((".", "-"))


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "a\\b", "/etc", "a\0b", "a\nb", "\x1b[2J", "a\u2028b", "\ud800", "x" * 300]
)
def test_unsafe_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnsafeName):
        safe_name(name)
    with pytest.raises(UnsafeName):
        inside(tmp_path, "video", name)


def test_inside_joins_names(tmp_path: Path) -> None:
    assert inside(tmp_path, "masks", "00001.png") == tmp_path / "masks" / "00001.png"


def test_inside_refuses_a_symbolic_link_on_the_way(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    root = tmp_path / "out"
    root.mkdir()
    (root / "masks").symlink_to(tmp_path / "outside")
    with pytest.raises(UnsafeName, match="symbolic link"):
        inside(root, "masks", "00000.png")


def test_a_file_appears_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "result.json"
    with atomic_file(target) as part:
        assert part.suffix == ".json"
        part.write_text("{}")
        assert not target.exists()
    assert target.read_text() == "{}"
    assert os.listdir(target.parent) == ["result.json"]


@pytest.mark.parametrize("name", ["字" * 80 + ".png", "字" * 85, "The dog. " + "x" * 246])
def test_the_longest_names_can_be_written(tmp_path: Path, name: str) -> None:
    with atomic_file(tmp_path / safe_name(name)) as part:
        assert name.endswith(".png") == (part.suffix == ".png")
        part.write_text("whole")
    assert os.listdir(tmp_path) == [name]
    (tmp_path / name).unlink()
    with atomic_dir(tmp_path / name):
        pass
    assert os.listdir(tmp_path) == [name]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    write_text(target, "old")

    def run_out_of_space() -> None:
        with atomic_file(target) as part:
            part.write_text("ne")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run_out_of_space()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["result.json"]


def test_a_symbolic_link_is_replaced_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / "result.json").symlink_to(victim)
    write_text(tmp_path / "result.json", "{}")
    assert victim.read_text() == "mine"
    assert not (tmp_path / "result.json").is_symlink()


def test_a_folder_appears_whole_and_replaces_an_older_one(tmp_path: Path) -> None:
    target = tmp_path / "masks"
    for names in (["a.png", "b.png"], ["c.png"]):
        with atomic_dir(target) as part:
            for name in names:
                (part / name).write_bytes(b"")
        assert sorted(os.listdir(target)) == names
    assert os.listdir(tmp_path) == ["masks"]


def test_an_interrupted_folder_does_not_appear(tmp_path: Path) -> None:
    def interrupt() -> None:
        with atomic_dir(tmp_path / "masks") as part:
            (part / "a.png").write_bytes(b"")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert os.listdir(tmp_path) == []


def test_what_is_in_a_folder_is_on_the_disk_before_it_appears(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed, flush = set(), os.fsync

    def fsync(descriptor: int) -> None:
        flush(descriptor)
        assert not (tmp_path / "masks").exists()
        flushed.add(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", fsync)
    with atomic_dir(tmp_path / "masks") as part:
        for name in ("a.png", "b.png"):
            (part / name).write_bytes(b"whole")
    assert flushed == {path.stat().st_ino for path in (tmp_path / "masks").iterdir()}


HOLDER = """
import sys, time
from pathlib import Path
from refervid.core.files import atomic_dir, atomic_file, output_lock
out = Path(sys.argv[1])
with output_lock(out), atomic_dir(out / "masks" / "cup") as folder, atomic_file(out / "result.json") as file:
    (folder / "00000.png").write_bytes(b"half")
    file.write_text("{")
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_the_lock_keeps_others_out_and_dies_with_its_process(tmp_path: Path) -> None:
    out = tmp_path / "out"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(out)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "ready\n"
    with pytest.raises(OutputLocked, match=str(holder.pid)), output_lock(out):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    assert not (out / "result.json").exists()
    with output_lock(out):
        left = [path for path in out.rglob("*") if path.is_file()]
    assert [path.name for path in left] == [".refervid.lock"]
    assert list((out / "masks").iterdir()) == []


def test_a_shared_lock_keeps_out_those_who_want_it_alone(tmp_path: Path) -> None:
    with output_lock(tmp_path, shared=True), output_lock(tmp_path, shared=True):
        (tmp_path / ".masks.part").mkdir()  # of another one who shares it
        with output_lock(tmp_path, shared=True):
            assert (tmp_path / ".masks.part").is_dir()
        with pytest.raises(OutputLocked, match="another process is writing"), output_lock(tmp_path):
            pass
    with output_lock(tmp_path):
        assert not (tmp_path / ".masks.part").exists()
        with pytest.raises(OutputLocked, match=str(os.getpid())), output_lock(tmp_path, shared=True):
            pass
