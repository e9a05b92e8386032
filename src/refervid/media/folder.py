"""A folder of pictures as a clip."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np

from refervid.core.counting import counted
from refervid.core.errors import MediaNotFound, UnreadableMedia
from refervid.core.files import by_number, read_file
from refervid.core.types import Frame
from refervid.media.clip import Clip
from refervid.media.container import existing_file
from refervid.media.limits import DEFAULT_MAX_PIXELS, check_fps, check_size

PICTURES = (".jpg", ".jpeg", ".png")

_VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".wmv", ".flv")

USUAL_FPS = 25.0

PNG_START = b"\x89PNG\r\n\x1a\n"
JPEG_START = b"\xff\xd8"

_ANIMATED = "an animated PNG: only its first picture is used"


class FolderClip(Clip):
    """The .jpg and .png files of a folder, ordered by the numbers in their names, or one such file.

    Pictures carry no times: frame i is shown at i / fps seconds. Pictures of another size than the
    first are scaled to it. Files of a folder whose names begin with a dot, as file managers leave them, those
    that are no picture whatever their name says, and videos are left out; of the last two a note tells.
    """

    def __init__(
        self, path: str | Path, *, fps: float | None = None, max_pixels: int = DEFAULT_MAX_PIXELS
    ) -> None:
        if fps is not None:
            check_fps(fps)
        self.source = Path(path)
        whole = Path(os.path.abspath(self.source))
        self.name = whole.stem if whole.is_file() else whole.name
        self._files, self.notes = _picture_files(self.source)
        self.files = self._files
        self._has_names = len({file.stem for file in self._files}) == len(self._files)
        self._max_pixels = max_pixels
        if fps is None and len(self._files) > 1:
            self.notes.append(f"the pictures carry no times: {USUAL_FPS:g} fps assumed (--fps)")
        first = read_picture(self._files[0], max_pixels)
        self.height, self.width = first.shape[:2]
        check_size(self.source, self.width, self.height, len(self._files), max_pixels)
        self.times_s = np.arange(len(self._files)) / (fps or USUAL_FPS)

    def frame_name(self, index: int) -> str:
        return self._files[index].stem if self._has_names else super().frame_name(index)

    def frame(self, index: int) -> Frame:
        self._check_index(index)
        return self._fitted(read_picture(self._files[index], self._max_pixels))


def read_picture(path: Path, max_pixels: int = DEFAULT_MAX_PIXELS, *, as_stored: bool = False) -> Frame:
    """One .jpg or .png as RGB in displayed orientation; 16 bits, grey and alpha become 8-bit RGB.

    `as_stored`: not turned or mirrored, whatever its EXIF data ask for.
    Raises `MediaNotFound`, `UnreadableMedia`, and `MediaTooLarge` before it is decoded.
    """
    try:
        data = read_file(path)
    except OSError as error:
        raise MediaNotFound(f"{path} cannot be read ({error.strerror})") from error
    size = picture_size(data)
    if size is None:
        raise UnreadableMedia(f"{path} is neither a JPEG nor a PNG picture")
    check_size(path, *size, 1, max_pixels)
    flags = cv2.IMREAD_COLOR_RGB | (cv2.IMREAD_IGNORE_ORIENTATION if as_stored else 0)
    picture: Frame | None = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if picture is None:
        raise UnreadableMedia(f"{path} is a damaged picture and cannot be decoded")
    return picture


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Width and height from the header of a PNG or JPEG, None for anything else."""
    if data.startswith(PNG_START) and len(data) >= 24:
        return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    if data.startswith(JPEG_START):
        return _jpeg_size(data)
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walk the JPEG segments (ITU T.81, annex B) up to the frame header, which holds the size."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        # SOF0..SOF15, among which DHT, JPG and DAC are other things
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def _picture_files(path: Path) -> tuple[list[Path], list[str]]:
    """The pictures in order, and notes on what was left out. Raises `MediaNotFound`, `UnreadableMedia`."""
    if not path.is_dir():
        file = existing_file(path)
        return [path], [_ANIMATED] if _is_animated(file) else []
    try:
        inside = [file for file in path.iterdir() if not file.name.startswith(".") and file.is_file()]
        named = [file for file in inside if file.suffix.lower() in PICTURES]
        files = [file for file in named if _starts_as_picture(file)]
    except OSError as error:
        raise MediaNotFound(f"{path} cannot be read ({error.strerror}); check its access rights") from error
    if not named:
        raise MediaNotFound(
            f"{path} holds no .jpg or .png frames: give a folder of frames, or the path of a video"
        )
    if not files:
        raise UnreadableMedia(f"{path}: none of its .jpg and .png files is a JPEG or PNG picture")
    notes = []
    if left_out := sorted(file.name for file in {*named} - {*files}):
        notes.append(f"no pictures, so left out: {', '.join(left_out[:5])}")
    if videos := sorted(file.name for file in inside if file.suffix.lower() in _VIDEOS):
        some = f"{counted(len(videos), 'video')}: {', '.join(videos[:5])}"
        notes.append(f"the clip is the folder's pictures, without its {some} (of a video give its own path)")
    if any(_is_animated(file) for file in files):
        notes.append(_ANIMATED)
    return sorted(files, key=lambda file: (by_number(file.stem), file.name)), notes


def _starts_as_picture(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(PNG_START)).startswith((PNG_START, JPEG_START))


def _is_animated(path: Path) -> bool:
    """Whether a PNG has the chunk that makes it animated, which stands before the first picture's data."""
    with path.open("rb") as file:
        start = file.read(2**12)
    return start.startswith(PNG_START) and b"acTL" in start.partition(b"IDAT")[0]
