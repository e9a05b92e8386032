"""items.csv: sentences of strangers are no formulas, and are read back as they were."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from refervid.datasets.base import Scores
from refervid.datasets.registry import open_dataset
from refervid.datasets.samples import two_shapes, write_common_form
from refervid.evaluation.items_table import items_table, read_items_table
from refervid.evaluation.runner import evaluate
from tests.evaluation.colour_pipeline import ColourPipeline

HOSTILE = ['=HYPERLINK("http://evil","x")', "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1"]
HARMLESS = ["the red ball", "a = b", "'quoted'", "", "1-2", "it's"]


@pytest.mark.parametrize("words", [*HOSTILE, *HARMLESS])
def test_words_are_no_formulas_and_come_back(words: str) -> None:
    rows = [{"video": "a", "expression_id": "0", "query": words, "J": -0.5}]
    text = items_table(Scores({}, rows))
    [cells] = list(csv.DictReader(io.StringIO(text, newline="")))
    assert cells["query"][:1] not in tuple("=+-@\t\r")
    assert cells["J"] == "-0.5"
    assert (cells["query"] == words) == (words in HARMLESS)
    assert read_items_table(text)[0]["query"] == words


def test_a_run_writes_them_so(tmp_path: Path) -> None:
    write_common_form(tmp_path / "data", "", [two_shapes("a", count=2)])
    file = tmp_path / "data" / "meta_expressions" / "meta_expressions.json"
    meta = json.loads(file.read_text())
    meta["videos"]["a"]["expressions"]["0"]["exp"] = HOSTILE[0] + " the red circle"
    file.write_text(json.dumps(meta))
    evaluate(open_dataset("folder", tmp_path / "data"), ColourPipeline(tmp_path), tmp_path / "out")
    queries = [row["query"] for row in csv.DictReader((tmp_path / "out" / "items.csv").open(newline=""))]
    assert any(query.startswith("'=HYPERLINK") for query in queries)
