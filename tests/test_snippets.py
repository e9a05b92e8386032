"""The Python that README and docs show is typed and runs as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.clips import write_video

ROOT = Path(__file__).parents[1]
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if "```python" in page.read_text("utf-8")
]
SHORTER = {"clips=100": "clips=1"}
"""What is done less of here than a reader would."""
FAR = {ROOT / "docs" / "evaluation.md"}
"""Whose program needs a data set that a user has: typed, and run in the tests of the evaluation."""

MYPY = """\
[mypy]
strict = true
plugins = pydantic.mypy
follow_imports = silent
[mypy-torch.*,av.*,cv2.*,scipy.*,pycocotools.*,transformers.*,ray.*,gradio.*,h5py.*,threadpoolctl.*,sklearn.*]
ignore_missing_imports = true
follow_imports = skip
[mypy-fsspec.*,supervision.*,tensorboard.*]
ignore_missing_imports = true
"""
"""Large libraries are left out, as a snippet shows nothing of theirs: it takes seconds then, not a minute."""


def python_of(page: Path) -> str:
    return "\n".join(re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL))


def test_snippets_pass_strict_type_checks(tmp_path: Path) -> None:
    (tmp_path / "mypy.ini").write_text(MYPY)
    for page in PAGES:
        (tmp_path / f"{page.stem.lower()}_snippet.py").write_text(python_of(page))
    files = sorted(map(str, tmp_path.glob("*_snippet.py")))
    cache = ROOT / ".mypy_cache" / "snippets"
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--config-file",
        tmp_path / "mypy.ini",
        "--cache-dir",
        cache,
        *files,
    ]
    paths = {**os.environ, "MYPYPATH": str(ROOT / "src")}
    ran = subprocess.run(list(map(str, command)), cwd=tmp_path, env=paths, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert len(files) >= 3


@pytest.mark.parametrize("page", [page for page in PAGES if page not in FAR], ids=lambda page: page.stem)
def test_snippets_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = np.full((8, 64, 96, 3), 110, np.uint8)
    for index, picture in enumerate(pictures):
        picture[20:40, 30 + 2 * index : 50 + 2 * index] = (30, 60, 220)
    write_video(tmp_path / "clip.mp4", list(pictures))
    code = python_of(page)
    for long, short in SHORTER.items():
        code = code.replace(long, short)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, page.name, "exec"), {"__name__": "__main__"})
