"""Masks as numpy arrays."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from refervid.core.files import inside, safe_name
from refervid.core.track import Track
from refervid.core.types import Mask
from refervid.media.clip import Clip
from refervid.media.exports.form import NamedTrack, made


def write_npz(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`npz/QUERY.npz` per track, plain arrays only: `masks` bool (T, H, W), `boxes_xyxy` (T, 4) float32 with
    NaN where away, `presence` (T,) float32 in 0..1, `times_s` (T,) float64.
    """
    target = made(inside(folder, "npz"))
    for named in tracks:
        path = target / f"{safe_name(named.slug)}.npz"
        _write(path, clip, named.track, (named.track.height, named.track.width), "|b1", lambda mask: mask)


def write_packed_npz(folder: Path, clip: Clip, tracks: Sequence[NamedTrack]) -> None:
    """`npz-packed/QUERY.npz` per track: as `npz`, but `masks` (T, H, ceil(W / 8)) uint8 has eight pixels to a
    byte. Get bool (T, H, W) back with `numpy.unpackbits(masks, axis=-1, count=width).astype(bool)`.
    """
    target = made(inside(folder, "npz-packed"))
    for named in tracks:
        path = target / f"{safe_name(named.slug)}.npz"
        size = (named.track.height, -(-named.track.width // 8))
        _write(path, clip, named.track, size, "|u1", lambda mask: np.packbits(mask, axis=-1))


def _write(
    path: Path,
    clip: Clip,
    track: Track,
    size: tuple[int, int],
    descr: str,
    encoded: Callable[[Mask], NDArray[np.generic]],
) -> None:
    small = {
        "width": np.int64(track.width),
        "boxes_xyxy": track.boxes_xyxy(),
        "presence": track.presence,
        "times_s": clip.times_s,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in small.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, np.asarray(array), allow_pickle=False)
        # numpy.savez would want all masks at once.
        with archive.open("masks.npy", "w", force_zip64=True) as file:
            header = {"descr": descr, "fortran_order": False, "shape": (len(track), *size)}
            np.lib.format.write_array_header_1_0(file, header)
            for mask in track:
                file.write(encoded(mask).tobytes())
