"""How much one visitor may bring: said on the page before an upload, and enforced after it."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from refervid.config.frozen import Frozen
from refervid.core.errors import MediaTooLarge, SettingsError
from refervid.media.clip import Clip
from refervid.report.plot import clock


class Limits(Frozen):
    """`upload_mb` per file, `seconds` per clip, `pixels` (width x height x frames) per clip; `sentences`
    per question, each of up to `letters` letters; `answers` side by side, with what was pointed at; `clips`
    open at once; `waiting` jobs and `kept_mb` megabytes of files of all visitors together; `unopened_s`
    seconds for an upload to come, and to be opened; `idle_s` seconds after which a visitor who does nothing
    is taken to have left; `return_s` seconds in which a page that was closed can be loaded again."""

    upload_mb: float = Field(200, gt=0)
    seconds: float = Field(60, gt=0)
    pixels: int = Field(10**11, gt=0)
    sentences: int = Field(6, ge=1)
    letters: int = Field(300, ge=1)
    answers: int = Field(12, ge=1)
    clips: int = Field(20, ge=1)
    waiting: int = Field(20, ge=1)
    kept_mb: float = Field(4000, gt=0)
    unopened_s: float = Field(600, gt=0)
    idle_s: float = Field(3600, gt=0)
    return_s: float = Field(60, gt=0)

    def words(self) -> str:
        return f"up to {self.upload_mb:g} MB and {self.seconds:g} seconds"

    def check_file(self, path: Path) -> None:
        """Raises `MediaTooLarge`."""
        megabytes = path.stat().st_size / 1e6
        if megabytes > self.upload_mb:
            raise MediaTooLarge(f"the file has {megabytes:.0f} MB, and {self.upload_mb:g} MB are allowed")

    def check_clip(self, clip: Clip) -> None:
        """Raises `MediaTooLarge`."""
        seconds = float(clip.times_s[-1])
        if seconds > self.seconds:
            raise MediaTooLarge(f"the clip lasts {clock(seconds)}, and {clock(self.seconds)} are allowed")

    def check_texts(self, texts: list[str]) -> None:
        """Raises `SettingsError`."""
        if len(texts) > self.sentences:
            raise SettingsError(f"{len(texts)} sentences at once: ask for at most {self.sentences}")
        longest = max(map(len, texts), default=0)
        if longest > self.letters:
            raise SettingsError(f"a sentence of {longest} letters: at most {self.letters} are read")
