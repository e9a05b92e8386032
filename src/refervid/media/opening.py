"""Opening what a person has: a video file, a folder of pictures, pictures in memory."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile, gettempdir
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from refervid.core.arguments import need_number
from refervid.core.errors import NoAudioStream, SettingsError, UnreadableMedia
from refervid.core.files import storing_in
from refervid.media.array import ArrayClip
from refervid.media.audio import SoundSource, has_sound
from refervid.media.clip import Clip
from refervid.media.folder import PICTURES, USUAL_FPS, FolderClip
from refervid.media.limits import DEFAULT_MAX_PIXELS, check_size
from refervid.media.part import PartClip
from refervid.media.picture_list import Picture, PictureListClip, told
from refervid.media.video import VideoClip

Source = str | os.PathLike[str] | NDArray[np.uint8] | Iterable[Picture] | BinaryIO
"""What a clip can be made of."""


def open_clip(
    source: Source,
    *,
    audio: str | Path | None = None,
    fps: float | None = None,
    strict: bool = False,
    max_pixels: int = DEFAULT_MAX_PIXELS,
    start_s: float = 0.0,
    end_s: float | None = None,
    every: int = 1,
) -> Clip:
    """Open a video file, a folder of .jpg or .png frames, or one such picture, by its path.

    Also taken: a file opened for reading bytes, from where it stands; a uint8 array (T, H, W, 3) RGB; a list
    or generator of pictures: arrays (H, W, 3), PIL images, paths.

    `audio` is a sound file that replaces the clip's own sound and starts with the first frame; `fps` is
    the rate of pictures, which carry no times; `strict` makes an incomplete file an error; `max_pixels`
    limits width x height x frames, and one frame to a ten-thousandth of it. With `start_s`, `end_s` (seconds
    from the first frame) or `every` only that part is taken, every so many frames, as `PartClip` does.
    Raises `MediaNotFound`, `UnreadableMedia` (also for what no clip can be made of, which the message names),
    `EmptyClip`, `NoVideoStream`, `NoAudioStream` (for `audio`), `TruncatedMedia` (with `strict`),
    `MediaTooLarge`, `SettingsError` (for an `fps` that is no rate, or of a video; a part without a frame).

    >>> len(refervid.open_clip(np.zeros((12, 96, 160, 3), np.uint8), fps=12))
    12
    """
    need_number("max_pixels", max_pixels, 1, whole=True)
    clip = _opened(source, fps, strict, max_pixels)
    if audio is not None:
        sound = local_path(audio)
        if not has_sound(sound):
            raise NoAudioStream(f"{audio} holds no sound; give a sound file, or a video with sound")
        clip.sound = SoundSource(sound)
    part = PartClip(clip, start_s=start_s, end_s=end_s, every=every)
    clip = clip if len(part) == len(clip) else part
    clip.reading = {
        "audio": None if audio is None else str(Path(audio).absolute()),
        "fps": None if fps is None else float(fps),
        "strict": bool(strict),
        "max_pixels": int(max_pixels),
        "start_s": float(start_s),
        "end_s": None if end_s is None else float(end_s),
        "every": int(every),
    }
    return clip


def _opened(source: Source, fps: float | None, strict: bool, max_pixels: int) -> Clip:
    if isinstance(source, np.ndarray) and source.ndim == 4:
        check_size(Path("array"), source.shape[2], source.shape[1], len(source), max_pixels)
        return ArrayClip(source, fps=USUAL_FPS if fps is None else fps)
    if isinstance(source, np.ndarray | Image.Image):
        return PictureListClip([source], fps=fps, max_pixels=max_pixels)
    if isinstance(source, io.IOBase):
        return _OpenFileClip(source, strict=strict, max_pixels=max_pixels)
    if isinstance(source, Iterable) and not isinstance(source, str | bytes | os.PathLike | Mapping):
        return PictureListClip(cast(Iterable[Picture], source), fps=fps, max_pixels=max_pixels)
    path = local_path(source)
    if path.is_dir() or path.suffix.lower() in PICTURES:
        return FolderClip(path, fps=fps, max_pixels=max_pixels)
    if fps is not None:
        raise SettingsError(f"{path} is no folder of pictures: a video has times of its own, leave out --fps")
    return VideoClip(path, strict=strict, max_pixels=max_pixels)


class _OpenFileClip(VideoClip):
    """A copy of what an open file still holds; it goes when the clip does."""

    def __init__(self, file: io.IOBase, *, strict: bool, max_pixels: int) -> None:
        with storing_in(Path(gettempdir()), "TMPDIR"):
            self._copy = NamedTemporaryFile(prefix="refervid-")  # noqa: SIM115 (lives as long as the clip)
        while data := file.read(2**20):
            if not isinstance(data, bytes):
                raise UnreadableMedia(f"the file {told(file)} gives text: open it with mode 'rb'")
            with storing_in(Path(gettempdir()), "TMPDIR"):
                self._copy.write(data)
                self._copy.flush()
        super().__init__(Path(self._copy.name), strict=strict, max_pixels=max_pixels)
        self.name = Path(str(getattr(file, "name", "clip"))).stem


def local_path(source: object) -> Path:
    """`source` if it is a path; raises `UnreadableMedia` that says what else it is, and what to give."""
    if not isinstance(source, str | os.PathLike):
        raise UnreadableMedia(f"{told(source)} is no path: {_GIVE}")
    text = os.fspath(source)
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise UnreadableMedia(f"{text!r} is no path: {_GIVE}")
    # Made a path, an address loses a slash.
    address = re.match(r"([a-z][a-z0-9+.-]+):/+(.*)", text, re.IGNORECASE)
    try:
        exists = Path(text).exists()
    except OSError as error:
        raise UnreadableMedia(f"{text[:60]!r}... is no path ({error.strerror}): {_GIVE}") from error
    if address is None or exists:
        return Path(text)
    scheme, rest = address[1].lower(), address[2]
    if scheme == "file":
        raise UnreadableMedia(f"{scheme}:///{rest} is the address of a file: give its path, /{rest}")
    kind, instead = _ADDRESSES.get(scheme, ("an address", "give the path of a file"))
    raise UnreadableMedia(f"{scheme}://{rest} is {kind}, and nothing is fetched from elsewhere: {instead}")


_GIVE = "give the path of a video or of a folder of pictures"
_WEB = "an address on the web", "`refervid download URL -o clip.mp4` gets it, then give clip.mp4"
_LIVE = "a live stream", "`refervid live` follows it; or record a part of it to a file and give its path"
_ADDRESSES = {
    **dict.fromkeys(("http", "https", "ftp", "ftps", "sftp", "s3", "gs"), _WEB),
    **dict.fromkeys(("rtsp", "rtsps", "rtmp", "rtmps", "rtp", "udp", "tcp", "srt", "mms"), _LIVE),
}
"""What addresses of each scheme lead to, and what to give in place of one."""
