"""What was found in clips, kept in the cache folder for the next process that asks about them."""

from __future__ import annotations

import logging
import os
import re
import secrets
import shutil
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar
from zipfile import BadZipFile

import cv2

import refervid
from refervid.core.digests import Digests, digests_in
from refervid.core.errors import MediaNotFound
from refervid.core.files import atomic_file
from refervid.engines.lite.analysis.scene import Scene
from refervid.media.clip import Clip, clip_digest

T = TypeVar("T")

log = logging.getLogger(__name__)

MOST_BYTES = 2 << 30
"""Of all clips together; those that were asked about longest ago go first."""
LARGEST_SHARE = 4
"""Of one clip at most the whole over this: 3000 frames of 480p."""
_FOLDER, SCENE = "clips", "scene"
_NAME = re.compile("[0-9a-f]{16}")
_OTHERS = ("numpy", "scipy", "torch", "av")
"""Packages on which findings depend besides OpenCV and this one's code."""


class ClipStore:
    """One folder a clip, named by what findings hang on: the content of its files, the frames taken of them,
    and the code that finds. What cannot be read as it was written is found anew, and what cannot be written
    is not kept. Without `cache` nothing is.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self._cache = cache

    def folder(self, clip: Clip) -> Path | None:
        """Where findings about the clip belong; None: its frames are in no file, or others may write it."""
        if self._cache is None or not clip.files:
            return None
        root, digests = self._cache / _FOLDER, digests_in(self._cache)
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not _is_ours(root):
                log.warning("%s can be written by others: what is there is not used", root)
                return None
            folder = root / digests.of([clip_digest(clip, digests), *_code(digests)])
            if folder.is_dir():
                os.utime(folder)
        except (OSError, MediaNotFound) as error:  # that digests cannot be kept either is said already
            log.info("what is found in %s is not kept: %s", clip.name, error)
            return None
        return folder

    def read(self, clip: Clip, name: str, parse: Callable[[bytes], T]) -> T | None:
        """What `write` stored; `parse` raises `ValueError` where it is not as it was written."""
        folder = self.folder(clip)
        if folder is None:
            return None
        try:
            return parse((folder / name).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("%s of %s is found anew: %s", name, clip.name, error)
            return None

    def write(self, clip: Clip, name: str, content: bytes) -> None:
        """One finding about the clip, whole or not at all."""
        folder = self.folder(clip)
        if folder is None:
            return
        try:
            with atomic_file(folder / name) as part:
                part.write_bytes(content)
            _make_room(folder.parent)
        except OSError as error:
            log.warning("what is found in %s is not kept: %s", clip.name, error)

    def scene(self, clip: Clip) -> Scene | None:
        """What `keep_scene` kept."""
        folder = self.folder(clip)
        if folder is None or not (folder / SCENE).is_dir():
            return None
        try:
            return Scene(clip, folder=folder / SCENE)
        except (OSError, ValueError, KeyError, BadZipFile) as error:
            log.warning("%s is analysed anew: %s", clip.name, error)
            shutil.rmtree(folder / SCENE, ignore_errors=True)
            return None

    def keep_scene(self, clip: Clip, scene: Scene) -> None:
        folder = self.folder(clip)
        if folder is None or scene.size_bytes > MOST_BYTES // LARGEST_SHARE:
            return
        part = folder / f".{secrets.token_hex(4)}.part"
        try:
            part.mkdir(parents=True)
            scene.keep(part)
            part.rename(folder / SCENE)
            _make_room(folder.parent)
        except OSError as error:  # another process was first, or the disk is full
            log.info("the analysis of %s is not kept: %s", clip.name, error)
            shutil.rmtree(part, ignore_errors=True)


@cache
def _code(digests: Digests) -> list[str]:
    root = Path(refervid.__file__).parent
    files = sorted(path for kind in ("*.py", "*.safetensors") for path in root.rglob(kind))
    return [digests.of(files), cv2.__version__, *map(version, _OTHERS)]


def _make_room(root: Path) -> None:
    """Take away what was asked about longest ago; folders with other names are none of `ClipStore.folder`."""
    used = 0
    own = [folder for folder in root.iterdir() if _NAME.fullmatch(folder.name) and not folder.is_symlink()]
    for folder in sorted(own, key=lambda folder: folder.stat().st_mtime, reverse=True):
        used += sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        if used > MOST_BYTES:
            shutil.rmtree(folder, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    """Findings decide what is shown: nobody else may write them."""
    if os.name != "posix":
        return True
    status = folder.stat()
    return status.st_uid == os.getuid() and not status.st_mode & 0o022
