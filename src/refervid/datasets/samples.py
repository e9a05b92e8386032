"""Made-up clips with known truth, small enough to try out every data set in seconds."""

from __future__ import annotations

import csv
import json
import wave
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Frame
from refervid.media.array import ArrayClip
from refervid.media.movie import H264, MovieWriter
from refervid.media.pictures import encode_jpeg, write_indexed, write_mask

HEIGHT, WIDTH = 96, 160
TONE_RATE = 16_000


@dataclass(frozen=True)
class SampleClip:
    """`frames` (T, H, W, 3) uint8 RGB; `ids` (T, H, W) uint8 object ids; `names` of the frames.

    `sentences` are (text, object id).
    """

    name: str
    frames: NDArray[np.uint8]
    ids: NDArray[np.uint8]
    names: tuple[str, ...]
    sentences: tuple[tuple[str, int], ...]


def two_shapes(name: str = "shapes", count: int = 6, step: int = 1) -> SampleClip:
    """A red disk that crosses a grey scene from left to right, and a blue square that rests."""
    frames, ids = [], []
    for time in range(count):
        picture, labels = _scene(), np.zeros((HEIGHT, WIDTH), np.uint8)
        _draw(picture, labels, 1, (200, 30, 30), disk=(25 + 18 * time, 35, 14))
        _draw(picture, labels, 2, (30, 60, 200), square=(100, 58, 26))
        frames.append(picture)
        ids.append(labels)
    names = tuple(f"{step * time:05d}" for time in range(count))
    sentences = (("the red circle that moves to the right", 1), ("the blue square", 2))
    return SampleClip(name, np.stack(frames), np.stack(ids), names, sentences)


def _scene() -> Frame:
    """Grey with a fixed grain, which gives trackers something to hold on to."""
    grain = np.random.default_rng(0).integers(-12, 13, (HEIGHT // 4, WIDTH // 4, 1))
    grain = np.repeat(np.repeat(grain, 4, axis=0), 4, axis=1)
    return np.clip(np.full((HEIGHT, WIDTH, 3), 120) + grain, 0, 255).astype(np.uint8)


def _draw(
    picture: Frame,
    labels: NDArray[np.uint8],
    number: int,
    colour: tuple[int, int, int],
    disk: tuple[int, int, int] | None = None,
    square: tuple[int, int, int] | None = None,
) -> None:
    """One shape on both: a disk by centre x, y and radius, or a square by left, top and side; pixels."""
    mask = np.zeros(labels.shape, np.uint8)
    if disk:
        cv2.circle(mask, disk[:2], disk[2], 1, -1)
    if square:
        left, top, side = square
        mask[top : top + side, left : left + side] = 1
    picture[mask > 0] = colour
    labels[mask > 0] = number


def write_pictures(folder: Path, frames: Iterable[Frame], names: Sequence[str], suffix: str = ".jpg") -> None:
    """RGB pictures as JPEG or PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame, name in zip(frames, names, strict=True):
        if suffix == ".png":
            cv2.imwrite(str(folder / f"{name}.png"), frame[..., ::-1])
        else:
            (folder / f"{name}{suffix}").write_bytes(encode_jpeg(frame, quality=95))


def write_video(path: Path, frames: NDArray[np.uint8]) -> None:
    """RGB frames (T, H, W, 3) as H.264, 25 a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    clip = ArrayClip(frames, np.arange(len(frames)) / 25)
    with MovieWriter(path, clip, H264) as writer:
        for index, frame in clip.frames():
            writer.write(index, frame)


def write_csv(path: Path, rows: Sequence[Sequence[Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


def write_id_maps(folder: Path, ids: Iterable[NDArray[np.uint8]], names: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for labels, name in zip(ids, names, strict=True):
        write_indexed(folder / f"{name}.png", labels)


def write_masks(folder: Path, masks: NDArray[np.bool_], names: Sequence[str]) -> None:
    """Masks (T, H, W) as black and white PNGs."""
    folder.mkdir(parents=True, exist_ok=True)
    for mask, name in zip(masks, names, strict=True):
        write_mask(folder / f"{name}.png", mask)


def write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1))


def write_json_lines(path: Path, entries: Sequence[Any]) -> None:
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))


def write_common_form(root: Path, split: str, clips: Sequence[SampleClip], truth: bool = True) -> None:
    """Pictures, sentences and (with `truth`) annotations in the common form; `split` may be empty."""
    for clip in clips:
        write_pictures(root / split / "JPEGImages" / clip.name, list(clip.frames), clip.names)
        if truth:
            write_id_maps(root / split / "Annotations" / clip.name, list(clip.ids), clip.names)
    videos = {clip.name: {"expressions": _sentences(clip, truth), "frames": clip.names} for clip in clips}
    write_json(root / "meta_expressions" / split / "meta_expressions.json", {"videos": videos})


def _sentences(clip: SampleClip, truth: bool) -> dict[str, dict[str, str]]:
    return {
        str(number): {"exp": text, **({"obj_id": str(object_id)} if truth else {})}
        for number, (text, object_id) in enumerate(clip.sentences)
    }


def tone(seconds: float) -> NDArray[np.float64]:
    """(N,) 440 Hz at half of full scale, `TONE_RATE` samples a second."""
    times = np.arange(int(seconds * TONE_RATE)) / TONE_RATE
    return np.asarray(0.5 * np.sin(2 * np.pi * 440 * times), np.float64)


def write_tone(path: Path, seconds: float) -> None:
    """A tone as 16-bit mono WAV."""
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = (tone(seconds) * 32767).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(TONE_RATE)
        file.writeframes(samples.tobytes())
