"""Fault 16: a full disk or a kill at any byte leaves either a whole result or none."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from refervid.media.exports import EXPORTS

WRITERS = [*EXPORTS, "overlay", "report"]

SET_UP = """
import json, resource, sys, time
from pathlib import Path
import numpy as np
from refervid.media.array import ArrayClip
from refervid.media.exports import NamedTrack, export
from refervid.media.overlay import write_overlay
from refervid.report.page import write_report
from refervid.report.result import Result
from refervid.report.save import save_results
from refervid.core.track import Track
from refervid.core.types import TextReference

out = Path(sys.argv[1])
noise = np.random.default_rng(0)
clip = ArrayClip(noise.integers(0, 256, (40, 96, 128, 3)).astype(np.uint8))
track = Track(40, 96, 128)
for index in range(40):
    track[index] = noise.random((96, 128)) > 0.5
result = Result(clip, TextReference("it"), "it", "ok", track, "lite")

def write(kind):
    if kind == "overlay":
        write_overlay(out / "overlay.mp4", clip, [track])
    elif kind == "report":
        write_report(out / "report.html", [result])
    else:
        export(kind, out, clip, [NamedTrack("it", "it", track)])
"""

ON_A_FULL_DISK = (
    SET_UP
    + """
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
outcome = {}
for kind in sys.argv[2:]:
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        write(kind)
        outcome[kind] = "written"
    except OSError:
        outcome[kind] = "OSError"
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
print(json.dumps(outcome))
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


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_full_disk_is_an_error_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    """The limit on the size of files stands for the full disk: both make `write` fail."""
    command = [sys.executable, "-c", ON_A_FULL_DISK, str(tmp_path), *WRITERS]
    outcome = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert outcome == dict.fromkeys(WRITERS, "OSError")
    assert files_in(tmp_path) == []


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
    assert not {"result.json", "overlay.mp4", "report.html"} & set(files_in(tmp_path))
    again = subprocess.run([*command], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert again.returncode == 0
    assert not [name for name in files_in(tmp_path) if ".part" in name]
    assert {"result.json", "overlay.mp4", "report.html"} <= set(files_in(tmp_path))
