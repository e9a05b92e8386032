"""Sentences come out of tables as they were written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import BaseModel

from refervid.datasets.problems import Problems
from refervid.datasets.samples import write_csv
from refervid.datasets.tables import read_json_lines, read_rows


class Line(BaseModel):
    exp: str


SENTENCES = [f"the dog{sign}that barks" for sign in '\n\u2028\u0085\x0b\x0c,"']


def test_fields_of_a_csv_file_keep_their_line_ends(tmp_path: Path) -> None:
    file = tmp_path / "sentences.csv"
    write_csv(file, [("uid", "exp"), *enumerate(SENTENCES)])
    assert [row["exp"] for row in read_rows(file, ("uid", "exp"))] == SENTENCES


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_of_json_end_where_a_line_ends(tmp_path: Path, end: str) -> None:
    file = tmp_path / "sentences.jsonl"
    lines = [json.dumps({"exp": sentence}, ensure_ascii=False) + end for sentence in SENTENCES]
    file.write_bytes("".join([*lines, end]).encode())
    assert [line.exp for line in read_json_lines(file, Line, Problems())] == SENTENCES
