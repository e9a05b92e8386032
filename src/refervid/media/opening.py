"""Opening what a person names: a video file, a folder of pictures, one picture."""

from __future__ import annotations

from pathlib import Path

from refervid.core.errors import NoAudioStream, SettingsError
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
    Raises `MediaNotFound`, `UnreadableMedia`, `EmptyClip`, `NoVideoStream`, `NoAudioStream` (for `audio`),
    `TruncatedMedia` (with `strict`), `MediaTooLarge`, `SettingsError` (for an `fps` that is no rate, or of a
    video).
    """
    path = Path(path)
    if path.is_dir() or path.suffix.lower() in PICTURES:
        clip: Clip = FolderClip(path, fps=fps, max_pixels=max_pixels)
    elif fps is not None:
        raise SettingsError(f"{path} is no folder of pictures: a video has times of its own, leave out --fps")
    else:
        clip = VideoClip(path, strict=strict, max_pixels=max_pixels)
    if audio is not None:
        if not has_sound(Path(audio)):
            raise NoAudioStream(f"{audio} holds no sound; give a sound file, or a video with sound")
        clip.sound = SoundSource(Path(audio))
    return clip
