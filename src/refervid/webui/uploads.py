"""Files that browsers and clients have sent, before they belong to a visitor."""

from __future__ import annotations

from pathlib import Path

from gradio.utils import get_upload_folder

from refervid.errors import MediaNotFound


def uploaded_file(name: object) -> Path:
    """The file that an upload was answered with. Raises `MediaNotFound` for any other."""
    path = Path(str(name))
    folder = Path(get_upload_folder()).resolve()
    if not path.is_absolute() or path.is_symlink() or not path.resolve().is_relative_to(folder):
        raise MediaNotFound("this is no file that was uploaded")
    if not path.is_file():
        raise MediaNotFound("the upload is gone: upload the file again")
    return path.resolve()
