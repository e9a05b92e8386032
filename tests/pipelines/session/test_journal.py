"""Lines that are only added: what a cut at any byte, a changed byte and a full disk leave."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from refervid.core.errors import BadResult, OutputConflict
from refervid.pipelines.session.journal import Journal

HEAD = {"whose": "ours"}
LINES = [{"number": number, "words": "ä\n" * number} for number in range(4)]


def written(folder: Path) -> tuple[Path, bytes]:
    path = folder / "journal.jsonl"
    journal = Journal(path, HEAD, folder)
    for line in LINES:
        journal.append(line)
    return path, path.read_bytes()


def test_a_cut_at_any_byte_leaves_the_lines_before_it_and_can_be_written_on(tmp_path: Path) -> None:
    path, whole = written(tmp_path)
    head = whole.index(b"\n") + 1
    for length in range(head, len(whole)):
        path.write_bytes(whole[:length])
        journal = Journal(path, HEAD, tmp_path)
        kept = whole[:length].count(b"\n")
        assert journal.lines == [HEAD, *LINES][:kept]
        for line in LINES[kept - 1 :]:
            journal.append(line)
        assert path.read_bytes() == whole


def test_a_byte_that_was_changed_is_told_with_its_line(tmp_path: Path) -> None:
    path, whole = written(tmp_path)
    place = whole.index(b'"number":1')
    path.write_bytes(whole[:place] + b'"number":7' + whole[place + 10 :])
    with pytest.raises(BadResult, match=r"line 3 of .*delete it and all lines after it"):
        Journal(path, HEAD, tmp_path)


def test_a_line_that_was_taken_out_is_told(tmp_path: Path) -> None:
    path, whole = written(tmp_path)
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], *lines[3:]]))
    with pytest.raises(BadResult, match="line 3"):
        Journal(path, HEAD, tmp_path)


@pytest.mark.parametrize("content", [b"", b"my own notes\n", b'{"whose":"ours"}\n{}\n', b"\xff\x00\n"])
def test_a_file_of_somebody_else_is_refused_and_stays(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(content)
    with pytest.raises(OutputConflict, match="another folder"):
        Journal(path, HEAD, tmp_path)
    assert path.read_bytes() == content


def test_what_a_full_disk_cut_off_is_overwritten_by_the_next_line(tmp_path: Path) -> None:
    path, whole = written(tmp_path)
    journal = Journal(path, HEAD, tmp_path)
    path.write_bytes(whole + b"0123456789abcdef {half a li")
    journal.append({"number": 9})
    assert Journal(path, HEAD, tmp_path).lines == [HEAD, *LINES, {"number": 9}]


@pytest.mark.parametrize("text", [b"no JSON", b"[" * 10_000, b"9" * 5_000])
def test_a_line_that_is_no_json_is_told_though_its_digest_is_right(tmp_path: Path, text: bytes) -> None:
    path, whole = written(tmp_path)
    head, *lines = whole.splitlines(keepends=True)
    digest = hashlib.sha256(head.split(b" ")[0] + text).hexdigest()[:16].encode()
    path.write_bytes(head + digest + b" " + text + b"\n" + b"".join(lines))
    with pytest.raises(BadResult, match="line 2"):
        Journal(path, HEAD, tmp_path)


def test_a_pipe_in_its_place_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "journal.jsonl")
    with pytest.raises(BadResult, match="pipe or device"):
        Journal(tmp_path / "journal.jsonl", HEAD, tmp_path)
