"""Opening what a person names: a video file, a folder of pictures, one picture."""

from __future__ import annotations

import os
import re
from pathlib import Path

from refervid.core.errors import NoAudioStream, SettingsError, UnreadableMedia
from refervid.media.audio import SoundSource, has_sound
from refervid.media.clip import Clip
from refervid.media.folder import PICTURES, FolderClip
from refervid.media.limits import DEFAULT_MAX_PIXELS
from refervid.media.video import VideoClip


def open_clip(
    path: str | Path,
    *,
    audio: str | Path | None = None,
    fps: float | None = None,
    strict: bool = False,
    max_pixels: int = DEFAULT_MAX_PIXELS,
) -> Clip:
    """Open a video file, a folder of .jpg or .png frames, or one such picture.

    `audio` is a sound file that replaces the clip's own sound and starts with the first frame; `fps` is
    the rate of pictures, which carry no times; `strict` makes an incomplete file an error; `max_pixels`
    limits width x height x frames, and one frame to a ten-thousandth of it.
    Raises `MediaNotFound`, `UnreadableMedia` (also for what is no path at all, which the message names),
    `EmptyClip`, `NoVideoStream`, `NoAudioStream` (for `audio`), `TruncatedMedia` (with `strict`),
    `MediaTooLarge`, `SettingsError` (for an `fps` that is no rate, or of a video).
    """
    path = local_path(path)
    if path.is_dir() or path.suffix.lower() in PICTURES:
        clip: Clip = FolderClip(path, fps=fps, max_pixels=max_pixels)
    elif fps is not None:
        raise SettingsError(f"{path} is no folder of pictures: a video has times of its own, leave out --fps")
    else:
        clip = VideoClip(path, strict=strict, max_pixels=max_pixels)
    if audio is not None:
        sound = local_path(audio)
        if not has_sound(sound):
            raise NoAudioStream(f"{audio} holds no sound; give a sound file, or a video with sound")
        clip.sound = SoundSource(sound)
    return clip


def local_path(source: object) -> Path:
    """`source` if it is a path; raises `UnreadableMedia` that says what else it is, and what to give."""
    if not isinstance(source, str | os.PathLike):
        raise UnreadableMedia(f"{_told(source)} is no path: {_GIVE}")
    text = os.fspath(source)
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise UnreadableMedia(f"{text!r} is no path: {_GIVE}")
    # Made a path, an address loses a slash.
    address = re.match(r"([a-z][a-z0-9+.-]+):/+(.*)", text, re.IGNORECASE)
    if address is None or Path(text).exists():
        return Path(text)
    scheme, rest = address[1].lower(), address[2]
    if scheme == "file":
        raise UnreadableMedia(f"{scheme}:///{rest} is the address of a file: give its path, /{rest}")
    kind, instead = _ADDRESSES.get(scheme, ("an address", "give the path of a file"))
    raise UnreadableMedia(f"{scheme}://{rest} is {kind}, and nothing is fetched from elsewhere: {instead}")


_GIVE = "give the path of a video or of a folder of pictures"
_WEB = "an address on the web", "download the file and give its path"
_LIVE = "a live stream", "record a part of it to a file and give that file's path"
_ADDRESSES = {
    **dict.fromkeys(("http", "https", "ftp", "ftps", "sftp", "s3", "gs"), _WEB),
    **dict.fromkeys(("rtsp", "rtsps", "rtmp", "rtmps", "rtp", "udp", "tcp", "srt", "mms"), _LIVE),
}
"""What addresses of each scheme lead to, and what to give in place of one."""


def _told(source: object) -> str:
    """What a value is, in words."""
    shape = getattr(source, "shape", None)
    if shape is not None:
        return f"an array of shape {tuple(shape)}"
    if isinstance(source, list | tuple):
        return f"a {type(source).__name__} of {len(source)} items"
    return f"a value of type {type(source).__name__}"
