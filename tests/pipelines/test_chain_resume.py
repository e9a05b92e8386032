"""An evaluation with a language model that is killed and resumed: same answers, nothing asked twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import refervid
from refervid.datasets.folder import Folder
from refervid.datasets.samples import two_shapes, write_common_form
from refervid.evaluation.runner import evaluate
from tests.chat_server import Answer, serving
from tests.pipelines.parts import Parts
from tests.pipelines.questions import replying

FRAMES = 3
KILLED_AT = 5
"""The question, counted from 0, that the process does not live to read the answer of."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    first = two_shapes("first", FRAMES)
    upside_down = replace(first, name="second", frames=first.frames[:, ::-1], ids=first.ids[:, ::-1])
    write_common_form(tmp_path / "data", "", [first, upside_down])
    return tmp_path / "data"


def test_killed_and_resumed(
    root: Path, parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process: list[subprocess.Popen[bytes]] = []
    replies = replying()

    def answer(number: int, body: dict[str, Any]) -> Answer:
        if number == KILLED_AT:
            os.kill(process[0].pid, signal.SIGKILL)
            return 200, None
        return replies(number, body)

    with serving(answer) as (server, url):
        settings = [*parts.settings("paper", url), "chooser.concurrency=1"]
        changes = [word for change in settings for word in ("--set", change)]
        command = ["-m", "refervid", "evaluate", "folder", "--root", root, "-o", tmp_path / "killed"]
        words = [sys.executable, *map(str, command), "--preset", "paper", "--device", "cpu", *changes]
        process.append(subprocess.Popen(words, stderr=subprocess.DEVNULL))
        assert process[0].wait() == -signal.SIGKILL
        assert len(server.requests) == KILLED_AT + 1
        resumed = evaluate(Folder(root), paper(settings), tmp_path / "killed", resume=True)
        asked = Counter(json.dumps(body, sort_keys=True) for body in server.requests)
        unread = json.dumps(server.requests[KILLED_AT], sort_keys=True)
        assert asked.pop(unread) == 2
        assert set(asked.values()) == {1}

        monkeypatch.setenv("REFERVID_CACHE", str(tmp_path / "other cache"))
        whole = evaluate(Folder(root), paper(settings), tmp_path / "whole")
    for run in (resumed, whole):
        assert run["complete"]
        assert not run["failed"]
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    assert resumed["J&F"] == whole["J&F"]


def test_a_finished_run_replays_offline(root: Path, parts: Parts, tmp_path: Path) -> None:
    with serving(replying()) as (_, url):
        first = evaluate(Folder(root), paper(parts.settings("paper", url)), tmp_path / "first")
    settings = [*parts.settings("paper", url), "chooser.replay=true"]  # the server is gone
    again = evaluate(Folder(root), paper(settings), tmp_path / "again")
    assert files(tmp_path / "first") == files(tmp_path / "again")
    assert first["J&F"] == again["J&F"]


def paper(settings: list[str]) -> refervid.Pipeline:
    return refervid.load("paper", device="cpu", settings=settings)


def files(out: Path) -> dict[str, bytes]:
    found = {str(file.relative_to(out)): file.read_bytes() for file in (out / "masks").rglob("*.png")}
    assert len(found) == 2 * 2 * FRAMES
    return found
