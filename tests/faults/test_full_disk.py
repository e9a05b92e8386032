"""Fault 42: a full disk under the cache, its database or temporary files is one line that names the folder.

A limit on the size of files stands for the full disk: both fail in the same system call.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from refervid.core.errors import StorageFailed
from refervid.engines.llm.cache import AnswerCache
from refervid.engines.llm.model import Prompt, Reply
from tests.clips import disc_and_square, write_video

LIMITED = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, -1))
"""

ANSWERS = """
from pathlib import Path
from refervid.core.errors import StorageFailed
from refervid.engines.llm.cache import AnswerCache
from refervid.engines.llm.model import Prompt, Reply
cache = AnswerCache(Path(sys.argv[1]) / "answers.sqlite")
try:
    for number in range(1000):
        cache.put("model", Prompt("v1", f"question {number}", b""), Reply("an answer" * 100))
except StorageFailed as error:
    print(number, error)
"""

COMMAND = """
from refervid.cli.app import app
app(sys.argv[1:])
"""


def _limited(code: str, size: int, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LIMITED.format(size=size) + code, *words]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment})


def test_answers_that_cannot_be_kept_stop_the_work(tmp_path: Path) -> None:
    done = _limited(ANSWERS, 2**17, str(tmp_path))
    number, message = done.stdout.split(" ", 1)
    assert int(number) > 10
    assert message.startswith(f"cannot write to {tmp_path} (")
    assert "REFERVID_CACHE" in message
    cache = AnswerCache(tmp_path / "answers.sqlite")  # what was kept is still there
    assert cache.get("model", Prompt("v1", "question 3", b"")) == Reply("an answer" * 100)


def test_a_cache_that_cannot_be_begun_names_its_folder(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the place of the folder")
    with pytest.raises(StorageFailed, match=f"cannot write to {tmp_path / 'cache'}"):
        AnswerCache(tmp_path / "cache" / "answers.sqlite")


def test_a_full_folder_for_temporary_files_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    clip = write_video(tmp_path / "a.mp4", disc_and_square(12))
    words = ["segment", str(clip), "-t", "the red disc", "-p", "lite", "-o", str(tmp_path / "out")]
    done = _limited(COMMAND, 2**10, *words, TMPDIR=str(tmp_path / "scratch"))
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"error: StorageFailed: cannot write to {tmp_path / 'scratch'} (")
    assert "TMPDIR" in last
    assert "Traceback" not in done.stderr


RAY = """
from refervid.core.errors import StorageFailed
from refervid.pipelines.cluster import RayCluster
try:
    list(RayCluster(lambda: None, "local").outcomes(print, [], {}))
except StorageFailed as error:
    print(error)
"""


def test_ray_is_not_started_where_its_logs_have_no_room(tmp_path: Path) -> None:
    """It would hang for a minute, and then say something else."""
    pytest.importorskip("ray")
    done = _limited(RAY, 2**10, TMPDIR=str(tmp_path))
    assert done.stdout.startswith(f"cannot write to {tmp_path} (")
    assert "TMPDIR" in done.stdout
