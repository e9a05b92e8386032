"""What editors and compositors read: videos and pictures with transparency, and mattes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from refervid.core.files import inside, safe_name
from refervid.core.types import Frame, Mask
from refervid.media.clip import Clip
from refervid.media.exports.form import NamedTrack, made
from refervid.media.movie import H264, PRORES_ALPHA, VP9_ALPHA, MovieWriter, VideoCodec


def write_alpha(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`alpha/QUERY.webm` per track: the object cut out, VP9 with transparency around it."""
    _write_movies(made(inside(folder, "alpha")), ".webm", clip, tracks, VP9_ALPHA, _cut_out)


def write_prores(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`prores/QUERY.mov` per track: the object cut out, ProRes 4444 with transparency around it."""
    _write_movies(made(inside(folder, "prores")), ".mov", clip, tracks, PRORES_ALPHA, _cut_out)


def write_matte(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`matte/QUERY.mp4` per track: white where the object is, black around it."""
    _write_movies(made(inside(folder, "matte")), ".mp4", clip, tracks, H264, _matte)


def write_rgba(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`rgba/QUERY/00000.png`, ...: the object cut out, with transparency around it."""
    targets = [made(inside(folder, "rgba", named.slug)) for named in tracks]
    for index, frame in clip.frames():
        for target, named in zip(targets, tracks, strict=True):
            picture = Image.fromarray(_cut_out(frame, named.track[index]))
            picture.save(target / f"{clip.frame_name(index)}.png", compress_level=1)


def write_exr(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`exr/QUERY/00000.exr`, ...: the matte as OpenEXR pictures, one channel Y of half floats, 1 inside."""
    for named in tracks:
        target = made(inside(folder, "exr", named.slug))
        encoder = _exr_encoder(clip.height, clip.width)
        for index, mask in enumerate(named.track):
            picture = av.VideoFrame.from_ndarray(mask.astype(np.float32), format="grayf32le")
            picture.pts = index
            [packet] = encoder.encode(picture)
            (target / f"{clip.frame_name(index)}.exr").write_bytes(bytes(packet))


def _exr_encoder(height: int, width: int) -> Any:
    """Every packet of it is a whole picture."""
    encoder: Any = av.CodecContext.create("exr", "w")
    encoder.height, encoder.width, encoder.pix_fmt = height, width, "grayf32le"
    encoder.time_base, encoder.thread_count = Fraction(1, 1), 1
    encoder.options = {"compression": "zip16", "format": "half"}
    return encoder


def _write_movies(
    folder: Path,
    suffix: str,
    clip: Clip,
    tracks: Sequence[NamedTrack],
    codec: VideoCodec,
    picture: Callable[[Frame, Mask], NDArray[np.uint8]],
) -> None:
    paths = [folder / f"{safe_name(named.slug)}{suffix}" for named in tracks]
    with ExitStack() as stack:
        movies = [stack.enter_context(MovieWriter(path, clip, codec)) for path in paths]
        for index, frame in clip.frames():
            for movie, named in zip(movies, tracks, strict=True):
                movie.write(index, picture(frame, named.track[index]))


def _cut_out(frame: Frame, mask: Mask) -> NDArray[np.uint8]:
    return np.dstack([frame, mask.astype(np.uint8) * 255])


def _matte(frame: Frame, mask: Mask) -> NDArray[np.uint8]:
    return np.repeat(mask[..., None].astype(np.uint8) * 255, 3, axis=2)
