"""Faults 16 and 42: a full disk, a kill at any byte or a folder that goes leave a whole result, or none."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

SET_UP = """
import resource, shutil, sys
from pathlib import Path
import numpy as np
from refervid.core.track import Track
from refervid.core.types import TextReference
from refervid.media.array import ArrayClip
from refervid.media.exports import EXPORTS
from refervid.report.result import Result
from refervid.report.save import save_results

out = Path(sys.argv[1])
noise = np.random.default_rng(0)
clip = ArrayClip(noise.integers(0, 256, (40, 96, 128, 3)).astype(np.uint8))
track = Track(40, 96, 128)
for index in range(40):
    track[index] = noise.random((96, 128)) > 0.5
result = Result(clip, TextReference("it"), "it", "ok", track, "lite")
"""

ON_A_FULL_DISK = (
    SET_UP
    + """
save_results([result], out)
for size in map(int, sys.argv[2:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, -1))
    try:
        save_results([result], out, formats=list(EXPORTS))
    except Exception as error:
        print(f"{type(error).__name__}: {error}")
"""
)

UNTIL_KILLED = (
    SET_UP
    + """
def pause(stage, artefact, completed, total):
    if completed == 20:
        print("half way", flush=True)
        sys.stdin.read()

save_results([result], out, hook=pause)
"""
)

REMOVED_BEFORE = (
    SET_UP
    + """
from refervid.report.save import results_folder, write_results

try:
    with results_folder(out, clip) as target:
        target.check(["result.json"])
        shutil.rmtree(out)
        write_results([result], target, (), lambda *words: None)
except Exception as error:
    print(f"{type(error).__name__}: {error}")
"""
)

UNTIL_REMOVED = (
    SET_UP
    + """
def remove(stage, artefact, completed, total):
    if completed == 20:
        shutil.rmtree(out)

try:
    save_results([result], out, hook=remove)
except Exception as error:
    print(f"{type(error).__name__}: {error}")
"""
)


def run(script: str, *words: object) -> str:
    command = [sys.executable, "-c", script, *map(str, words)]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    ).stdout


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def test_a_full_disk_leaves_the_former_result_whole(tmp_path: Path) -> None:
    """The limit on the size of files stands for the full disk: both make `write` fail. The first that is too
    large is a mask, a list, a film or the report."""
    sizes = (1000, 5_000, 100_000, 350_000)
    lines = run(ON_A_FULL_DISK, tmp_path / "out", *sizes).splitlines()
    assert len(lines) == len(sizes)
    assert all(line.startswith(f"OutputFailed: cannot write to {tmp_path / 'out'} (") for line in lines)
    run(SET_UP + "save_results([result], out)", tmp_path / "whole")
    assert files_in(tmp_path / "out") == files_in(tmp_path / "whole")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_run_leaves_no_result_and_the_next_one_cleans_up(
    tmp_path: Path, number: signal.Signals
) -> None:
    command = [sys.executable, "-c", UNTIL_KILLED, str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "half way\n"
    process.send_signal(number)
    process.communicate()
    assert not any(path.is_file() for path in tmp_path.glob("[!.]*"))
    run(UNTIL_KILLED, tmp_path)
    assert not [name for name in files_in(tmp_path) if name.startswith(".refervid-")]
    assert {"result.json", "overlay.mp4", "report.html"} <= files_in(tmp_path).keys()


@pytest.mark.parametrize("script", [REMOVED_BEFORE, UNTIL_REMOVED], ids=["tracking", "writing"])
def test_a_folder_that_is_removed_in_the_middle_is_said_and_not_made_anew(
    tmp_path: Path, script: str
) -> None:
    said = run(script, tmp_path / "out")
    assert said.startswith(f"OutputFailed: cannot write to {tmp_path / 'out'} (the folder was removed)")
    assert list(tmp_path.iterdir()) == []
