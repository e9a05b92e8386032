"""Files that browsers and clients have sent, before they belong to a visitor."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from gradio.utils import get_upload_folder

from refervid.core.errors import MediaNotFound


@contextmanager
def taken_upload(name: object, folder: Path) -> Iterator[Path]:
    """The file that an upload was answered with, moved below `folder`; nothing of it stays in the end.

    Raises `MediaNotFound` for any other file.
    """
    path = _uploaded_file(name)
    # Equal files of several visitors are uploaded to one and the same path, so none may stay there.
    with TemporaryDirectory(dir=folder) as taken:
        yield Path(shutil.move(path, taken))


def _uploaded_file(name: object) -> Path:
    path = Path(str(name))
    folder = Path(get_upload_folder()).resolve()
    if not path.is_absolute() or path.is_symlink() or not path.resolve().is_relative_to(folder):
        raise MediaNotFound("this is no file that was uploaded")
    if not path.is_file():
        raise MediaNotFound("the upload is gone: upload the file again")
    return path.resolve()
