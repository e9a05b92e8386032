"""One visitor's clips, each with the work on it, in a folder that goes with the visitor."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

from refervid.config.environment import Environment
from refervid.core.errors import MediaNotFound, SettingsError
from refervid.core.files import slug, storing_in
from refervid.core.types import Hook, no_hook
from refervid.datasets.demo import write_demo
from refervid.media.opening import open_clip
from refervid.pipelines.base import Pipeline
from refervid.webui.clip_work import ClipWork
from refervid.webui.limits import Limits

DEMO = "demo"


class Desk:
    """`works` are the clips by their numbers, in the order in which they came; `work` is the one looked at.

    `token` names the visitor in addresses. Methods that take a hook do long work.
    """

    def __init__(self, folder: Path, limits: Limits, pipelines: Callable[[str], Pipeline]) -> None:
        self.token = secrets.token_urlsafe(16)
        self.folder = folder
        self.limits = limits
        self.works: dict[int, ClipWork] = {}
        self.work: ClipWork | None = None
        self._pipelines = pipelines
        self._numbers = count(1)
        folder.mkdir(parents=True)

    def open(self, path: Path, name: str) -> ClipWork:
        """Put the file at `path`, called `name` by the visitor, beside the other clips. The file is moved.

        Raises `MediaError` of every kind, and `SettingsError` for too many clips; then all is as it was.
        """
        if not path.is_file():
            raise MediaNotFound(f"{name} is not there any more: upload it again")
        if len(self.works) >= self.limits.clips:
            raise SettingsError(f"{len(self.works)} clips are open: close one of them first")
        number = next(self._numbers)
        folder = self.folder / f"clip-{number}"
        # In a folder of its own, as it may be called like something that the work writes.
        target = folder / "upload" / f"{slug(Path(name).stem)}{_suffix(name)}"
        folder.mkdir()
        target.parent.mkdir()
        try:
            shutil.move(path, target)
            self.limits.check_file(target)
            clip = open_clip(target, max_pixels=self.limits.pixels)
            self.limits.check_clip(clip)
            shown = open_clip(target, max_pixels=self.limits.pixels)
        except Exception:
            shutil.rmtree(folder)
            raise
        self.work = self.works[number] = ClipWork(
            number, folder, clip, shown, Path(name).name or target.name, self.limits, self._pipelines
        )
        return self.work

    def open_demo(self, hook: Hook = no_hook) -> ClipWork:
        """The demo's clip, which is drawn once for all visitors."""
        drawn = demo_clip(hook)
        copy = self.folder / f"{DEMO}{drawn.suffix}"
        shutil.copyfile(drawn, copy)
        return self.open(copy, copy.name)

    def choose(self, number: int) -> None:
        """Look at another clip. Raises `SettingsError`."""
        if not isinstance(number, int) or number not in self.works:  # it comes from outside
            raise SettingsError(f"clip {number!r:.20} is not open")
        self.work = self.works[number]

    def close_clip(self, number: int) -> None:
        """A clip goes, with all that was done on it. Raises `SettingsError`."""
        self.choose(number)
        self.works.pop(number).close()
        self.work = next(reversed(self.works.values()), None)

    def present_work(self) -> ClipWork:
        """Raises `SettingsError` without a clip."""
        if self.work is None:
            raise SettingsError("Choose a clip first: upload one, or take the demo clip")
        return self.work

    def close(self) -> None:
        """Forget everything, and delete the visitor's files."""
        for work in self.works.values():
            work.close()
        self.works, self.work = {}, None
        shutil.rmtree(self.folder, ignore_errors=True)


def demo_clip(hook: Hook = no_hook) -> Path:
    """The demo's clip in the cache; drawn if it is not there yet."""
    path = Environment().cache / "demo" / f"{DEMO}-1.mp4"
    if not path.exists():
        with storing_in(path.parent, "REFERVID_CACHE"):
            write_demo(path, hook)
    return path


def _suffix(name: str) -> str:
    """A suffix that can do no harm in a file name."""
    suffix = Path(name).suffix.lower()
    return suffix if suffix[1:].isalnum() and suffix.isascii() and len(suffix) <= 6 else ""
