"""How much a clip may hold, checked before anything is decoded."""

from __future__ import annotations

from pathlib import Path

from refervid.core.arguments import need_number
from refervid.core.errors import MediaTooLarge, SettingsError

DEFAULT_MAX_PIXELS = 10**12
"""Width x height x frames: two hours of 1080p at 60 frames a second stay below it."""

FRAME_SHARE = 10_000
"""One frame may take a ten-thousandth of the limit: by default 100 megapixels."""

_OPTION = "`max_pixels` (--max-pixels of segment, track, inventory and live)"
"""Data sets are held to the default limit."""

FPS = 0.001, 1000.0
"""Rates of pictures without times, per second: from one in a quarter of an hour to one in a millisecond."""


def check_fps(fps: float) -> None:
    """Raises `SettingsError` for a rate that no clip has."""
    need_number("fps", fps)
    if not FPS[0] <= fps <= FPS[1]:
        raise SettingsError(
            f"{fps:g} frames per second (--fps) is no rate: give one from {FPS[0]:g} to {FPS[1]:g}"
        )


def frame_limit(max_pixels: int) -> int:
    """Pixels that one frame may have under this limit for the clip."""
    return max_pixels // FRAME_SHARE


def check_size(path: Path | str, width: int, height: int, frames: int, max_pixels: int) -> None:
    """Raises `MediaTooLarge` if a frame, or all frames together, exceed the limit."""
    if width * height > frame_limit(max_pixels):
        raise MediaTooLarge(
            f"{path} has frames of {width}x{height} pixels, and one may have a ten-thousandth of the "
            f"{max_pixels:,} allowed for a clip; use smaller frames, or set {_OPTION} to "
            f"{width * height * FRAME_SHARE}"
        )
    if width * height * frames > max_pixels:
        raise MediaTooLarge(
            f"{path} has at least {frames:,} frames of {width}x{height} pixels, and {max_pixels:,} pixels "
            f"are allowed; cut or scale the clip, or raise {_OPTION}"
        )
