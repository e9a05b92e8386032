"""Results appear whole or not at all; names from outside stay inside."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refervid.core.errors import UnsafeName
from refervid.core.files import (
    atomic_file,
    drop_abandoned,
    inside,
    parse_json,
    read_file,
    safe_name,
    slug,
    write_text,
)


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


def test_what_is_not_whole_yet_may_lie_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    with atomic_file(tmp_path / "result.json", tmp_path / "place") as part:
        part.write_text("{}")
        assert part.parent == tmp_path / "place"
        assert os.listdir(tmp_path) == ["place"]
    assert sorted(os.listdir(tmp_path)) == ["place", "result.json"]
    assert os.listdir(tmp_path / "place") == []


def test_parts_of_killed_processes_go_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "net.h5"
    ours = tmp_path / ".0123abcd.part.net.h5"
    fresh = tmp_path / ".89abcdef.part.net.h5"
    others = [
        tmp_path / name
        for name in (
            ".0123abcd.part.other.h5",
            ".0123ABCD.part.net.h5",
            "0123abcd.part.net.h5",
            "net.h5.part",
        )
    ]
    for file in (ours, fresh, *others):
        file.write_text("x")
        os.utime(file, (0, 0))
    os.utime(fresh)
    link, folder = tmp_path / ".11111111.part.net.h5", tmp_path / ".22222222.part.net.h5"
    link.symlink_to(ours)
    folder.mkdir()
    os.utime(folder, (0, 0))
    drop_abandoned(target)
    assert set(tmp_path.iterdir()) == {fresh, *others, link, folder}


def test_what_may_never_end_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "large").touch()
    os.truncate(tmp_path / "large", 200 * 2**30)
    for name, why in (("pipe", "pipe or device"), ("zero", "pipe or device"), ("large", "larger than 4 GiB")):
        with pytest.raises(OSError, match=why):
            read_file(tmp_path / name)


@pytest.mark.parametrize("text", ["", "[" * 10_000, "9" * 5_000, b"\xff"])
def test_what_is_no_json_has_one_error(text: str | bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)
