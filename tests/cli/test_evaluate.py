"""`refervid evaluate`, `score`, `compare` and `datasets` as a user types them."""

from __future__ import annotations

import csv
import json
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from refervid.cli.app import app
from refervid.datasets.folder import Folder
from refervid.datasets.registry import datasets, open_dataset
from refervid.evaluation.runner import evaluate
from refervid.media.pictures import write_mask
from tests.evaluation.colour_pipeline import ColourPipeline


def refervid(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    Folder.make_sample(tmp_path / "data")
    return tmp_path / "data"


def test_evaluate_resume_and_score(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ("evaluate", "folder", "--root", root, "-o", out, "--preset", "lite", "--device", "cpu")
    first = refervid(*command, "--json")
    assert first.exit_code == 0, first.output
    scores = json.loads(first.stdout)
    assert {"J", "F", "J&F", "complete", "failed", "notes"} <= set(scores)
    assert "items: 2 of 2, 0 failed" in first.stderr
    assert refervid(*command).exit_code == 2
    assert refervid(*command, "--resume", "--set", "text.candidates=3").exit_code == 2
    other = refervid(*command[:-4], "--preset", "soc", "--resume")
    assert other.exit_code == 2
    assert "started differently (preset: 'lite' -> 'soc'): choose" in other.stderr
    assert refervid(*command, "--resume").exit_code == 0
    score = ("score", "folder", "--root", root, "--predictions", out / "masks")
    assert json.loads(refervid(*score, "--json").stdout)["J"] == scores["J"]
    table = [line.split() for line in refervid(*score).stdout.splitlines()]
    assert ["J", f"{scores['J']:.4f}"] in table


def test_faults_of_the_data_are_told_before_anything_is_done(root: Path, tmp_path: Path) -> None:
    write_mask(root / "Annotations" / "shapes" / "00001.png", np.ones((10, 20), bool))
    (root / "Annotations" / "shapes" / "00003.png").write_bytes(b"no picture")
    result = refervid("evaluate", "folder", "--root", root, "-o", tmp_path / "out", "--preset", "lite")
    assert result.exit_code == 1
    assert "00001.png: is 20x10, its frame 160x96" in result.stderr
    assert "00003.png" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["00000.jpg", "00004.jpg"])
def test_an_evaluation_that_failed_in_part(root: Path, tmp_path: Path, name: str) -> None:
    path = root / "JPEGImages" / "shapes" / name
    path.write_bytes(path.read_bytes()[:300])  # its header is whole, its picture is not
    out = tmp_path / "out"
    result = refervid("evaluate", "folder", "--root", root, "-o", out, "--preset", "lite")
    assert result.exit_code == 3
    assert "items: 2 of 2, 2 failed" in result.stderr
    assert name in result.stderr


def test_compare_names_what_got_worse(root: Path, tmp_path: Path) -> None:
    data = open_dataset("folder", root)
    for name in ("first", "second"):
        evaluate(data, ColourPipeline(tmp_path), tmp_path / name)
    [item, _] = data.items()
    for frame in item.frames[:3]:
        path = item.prediction(tmp_path / "second" / "masks", frame)
        write_mask(path, item.truth.at(0)[0] & False)
    evaluate(data, ColourPipeline(tmp_path), tmp_path / "second", resume=True)
    page = tmp_path / "page.html"
    words = ("compare", tmp_path / "first", tmp_path / "second", "--page", page, "--root", root)
    result = refervid(*words)
    assert result.exit_code == 0, result.output
    assert "second: 1 item worse, 0 better by J&F" in result.stdout
    assert "shapes/0" in result.stdout
    assert str(page) in result.stderr
    html = page.read_text()
    assert html.count("data:image/jpeg") == 3  # the truth and both runs
    assert "<script" not in html
    assert "http" not in html.replace("http-equiv", "")
    listed = json.loads(refervid(*words[:3], "--json").stdout)
    assert listed["worse"] == {"second": ["shapes/0"]}
    assert listed["metrics"]["J"][0] > listed["metrics"]["J"][1]


def test_scores_do_not_go_where_a_run_lies(root: Path, tmp_path: Path) -> None:
    run, own = tmp_path / "run", tmp_path / "own"
    evaluate(open_dataset("folder", root), ColourPipeline(tmp_path), run)
    score = ("score", "folder", "--root", root, "--predictions", run / "masks", "-o")
    refused = refervid(*score, run)
    assert refused.exit_code == 2
    assert f"{run} holds a run of `refervid evaluate` and its scores: choose another" in refused.stderr
    assert refervid(*score, own).exit_code == 0
    (own / "items.csv").unlink()
    assert "write it anew with `refervid score`" in refervid("compare", run, own).stderr


def test_compare_refuses_what_cannot_be_compared(root: Path, tmp_path: Path) -> None:
    data = open_dataset("folder", root)
    evaluate(data, ColourPipeline(tmp_path), tmp_path / "first")
    assert refervid("compare", tmp_path / "first").exit_code == 2
    missing = refervid("compare", tmp_path / "first", tmp_path / "nowhere")
    assert missing.exit_code == 1
    assert "nowhere is no folder" in missing.stderr
    (tmp_path / "segmented").mkdir()
    (tmp_path / "segmented" / "result.json").write_text("{}")
    segmented = refervid("compare", tmp_path / "first", tmp_path / "segmented")
    assert "holds no scores: give folders of `refervid evaluate` or `refervid score`" in segmented.stderr
    datasets()["mevis"].make_sample(tmp_path / "mevis")
    evaluate(open_dataset("mevis", tmp_path / "mevis"), ColourPipeline(tmp_path), tmp_path / "other")
    assert refervid("compare", tmp_path / "first", tmp_path / "other").exit_code == 2
    (tmp_path / "first" / "scores.json").unlink()  # as where a run was stopped
    stopped = refervid("compare", tmp_path / "first", tmp_path / "other")
    assert "write it anew with --resume" in stopped.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("scores.json", b'{"J": 0.5, "fai'),
        ("scores.json", b"[]"),
        ("scores.json", b'{"dataset": "folder", "split": "train", "failed": 3}'),
        ("items.csv", b""),
        ("items.csv", b"\xff\xfe"),
        ("items.csv", b"J,F\n0.5,0.5\n"),
        ("items.csv", b"video,expression_id,query,J\nshapes,0\n"),
        ("items.csv", b"video,expression_id,query,J\nshapes,0,it,0.5,0.5\n"),
        ("items.csv", b"video,expression_id,query,J\nshapes,0,it,good\n"),
        ("items.csv", b"video,expression_id,query,annotator,J\nshapes,0,it,1,0.5\n"),
    ],
)
def test_compare_names_files_that_are_damaged(root: Path, tmp_path: Path, name: str, content: bytes) -> None:
    evaluate(open_dataset("folder", root), ColourPipeline(tmp_path), tmp_path / "first")
    (tmp_path / "first" / name).write_bytes(content)
    result = refervid("compare", tmp_path / "first", tmp_path / "first")
    assert result.exit_code == 1
    assert "error: DatasetError" in result.stderr
    assert name in result.stderr


def test_what_looks_the_same_in_four_digits_did_not_get_worse(root: Path, tmp_path: Path) -> None:
    evaluate(open_dataset("folder", root), ColourPipeline(tmp_path), tmp_path / "first")
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    items = tmp_path / "second" / "items.csv"
    [head, *rows] = list(csv.reader(items.open()))
    measure = head.index("J&F")
    for row in rows:
        row[measure] = str(float(row[measure]) - 4e-5)
    with items.open("w") as file:
        csv.writer(file).writerows([head, *rows])
    result = refervid("compare", tmp_path / "first", tmp_path / "second")
    assert "second: 0 items worse, 0 better" in result.stdout


def test_an_estimate_as_json(root: Path, tmp_path: Path) -> None:
    words = ("evaluate", "folder", "--root", root, "-o", tmp_path / "out", "--estimate", "--json")
    assert json.loads(refervid(*words, "--preset", "lite").stdout) is None
    paid = refervid(*words, "--preset", "paper", "--set", "sections.frame_step=1")
    assert json.loads(paid.stdout)["asked"] > 0


def test_shards_leave_the_other_cores_to_each_other(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    command = ("evaluate", "folder", "--root", root, "-p", "lite", "--estimate", "-o", tmp_path / "out")
    try:
        monkeypatch.setenv("OMP_NUM_THREADS", "2")
        assert (refervid(*command, "--shard", "1/2").exit_code, torch.get_num_threads()) == (0, 2)
        monkeypatch.delenv("OMP_NUM_THREADS")
        assert (refervid(*command).exit_code, torch.get_num_threads()) == (0, 2)
        assert (refervid(*command, "--shard", "1/2").exit_code, torch.get_num_threads()) == (0, 1)
    finally:
        torch.set_num_threads(before)


def test_actors_without_a_cluster(root: Path, tmp_path: Path) -> None:
    result = refervid("evaluate", "folder", "--root", root, "-o", tmp_path / "out", "--actors", 2)
    assert result.exit_code == 2
    assert "--ray" in result.stderr


def test_a_page_escapes_what_comes_from_sentences(root: Path, tmp_path: Path) -> None:
    path = root / "meta_expressions" / "meta_expressions.json"
    path.write_text(path.read_text().replace("the blue square", "<script>alert(1)</script>"))
    data = open_dataset("folder", root)
    evaluate(data, ColourPipeline(tmp_path), tmp_path / "first")
    refervid("compare", tmp_path / "first", tmp_path / "first", "--page", tmp_path / "page.html")
    html = (tmp_path / "page.html").read_text()
    assert "<script" not in html
    assert "&lt;script&gt;" in html


@pytest.mark.parametrize("name", datasets())
def test_samples_pass_the_check(name: str, tmp_path: Path) -> None:
    made = refervid("datasets", "make-sample", name, tmp_path / "sample")
    assert made.exit_code == 0, made.output
    checked = refervid("datasets", "check", name, tmp_path / "sample")
    assert checked.exit_code == 0, checked.output
    assert "all well" in checked.stdout


def test_datasets_refuse_and_report(root: Path, tmp_path: Path) -> None:
    assert refervid("datasets", "make-sample", "folder", root).exit_code == 2
    assert refervid("datasets", "make-sample", "imagenet", tmp_path / "new").exit_code == 2
    assert refervid("datasets", "check", "folder", root, "--split", "dev").exit_code == 2
    assert not (tmp_path / "new").exists()
    (root / "JPEGImages" / "shapes" / "00002.jpg").unlink()
    (root / "Annotations" / "stranger").mkdir()
    checked = refervid("datasets", "check", "folder", root)
    assert checked.exit_code == 1
    assert "2 problems" in checked.stderr
    assert set(json.loads(refervid("datasets", "list", "--json").stdout)) == set(datasets())


def test_a_cluster_that_is_not_there(root: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    pytest.importorskip("ray", reason="install refervid[cluster] to run this test")
    words = ("evaluate", "folder", "--root", root, "-o", tmp_path / "out", "--preset", "lite")
    result = refervid(*words, "--ray", address)
    assert result.exit_code == 1
    assert "ray start" in result.stderr
