"""The demo's clip: toys on a table, each with its own motion and sound, with known masks.

A striped ball bounces and thuds; then a blue car drives through, humming; then a bell swings and
rings. A green star turns silently all the while, and a pink heart stands still. The camera sways.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import numpy as np
from numpy.typing import NDArray
from scipy.io import wavfile

from refervid.core.files import atomic_file, storing_in
from refervid.core.track import Track, union
from refervid.core.types import Frame, Hook, Mask, no_hook
from refervid.datasets.synthetic import sounds
from refervid.datasets.synthetic.render import Material, Part, Pose, Toy, draw
from refervid.datasets.synthetic.scenery import pan, table_before_wall
from refervid.datasets.synthetic.shapes import bell, box, circle, heart, star
from refervid.media.array import ArrayClip
from refervid.media.audio import SoundSource
from refervid.media.movie import H264, MovieWriter

WIDTH, HEIGHT, FPS, SECONDS = 640, 360, 25, 8.0
SAMPLE_RATE = 48_000
TEXTS = {
    "the red striped ball": "ball",
    "the blue car moving to the left": "car",
    "the yellow bell": "bell",
    "the green star that spins": "star",
}
"""Sentences with known answers."""

_BOUNCES_S = (0.35, 0.95, 1.5, 2.0, 2.45)
_CAR_S = (2.9, 5.3)
_DINGS_S = (5.65, 6.15, 6.65, 7.15, 7.65)
SOUNDING_S = {"ball": (0.3, 2.75), "car": _CAR_S, "bell": (5.5, SECONDS)}
"""When each toy sounds, seconds."""

_TIRE = Material((32, 32, 36), gloss=0.2)
_STEEL = Material((190, 192, 200), gloss=0.9)
_BLUE = Material((36, 88, 205), gloss=0.7)
TOYS = {
    "heart": Toy("heart", (Part(heart, Material((224, 96, 160), gloss=0.7)),)),
    "star": Toy("star", (Part(star(), Material((46, 150, 80), (26, 104, 56), "marble", 0.6)),)),
    "bell": Toy(
        "bell",
        (
            Part(circle, Material((126, 84, 12), gloss=0.6), 0.18, (0, 0.8), 1),
            Part(bell, Material((236, 184, 42), gloss=0.9), bevel=0.5),
        ),
    ),
    "car": Toy(
        "car",
        (
            Part(box(0.55, 0.34, 0.2), _BLUE, 1, (0.05, -0.42), 0.3),
            Part(box(0.42, 0.2, 0.1), Material((186, 218, 240), gloss=1), 1, (0.05, -0.44), 0.1),
            Part(box(1, 0.34, 0.15), _BLUE, bevel=0.3),
            Part(circle, _TIRE, 0.26, (-0.55, 0.33), 0.8),
            Part(circle, _STEEL, 0.12, (-0.55, 0.33), 0.8),
            Part(circle, _TIRE, 0.26, (0.55, 0.33), 0.8),
            Part(circle, _STEEL, 0.12, (0.55, 0.33), 0.8),
        ),
    ),
    "ball": Toy("ball", (Part(circle, Material((214, 38, 38), (250, 240, 230), "stripes", 0.7), bevel=1),)),
}
"""From back to front."""


@dataclass(frozen=True)
class DemoFrame:
    """A picture with the visible mask of every toy."""

    time_s: float
    picture: Frame
    masks: dict[str, Mask]


def demo_frames() -> Iterator[DemoFrame]:
    """The clip, frame by frame; always the same."""
    background = table_before_wall(np.random.default_rng(7), HEIGHT + 40, WIDTH + 60)
    for index in range(int(SECONDS * FPS)):
        time = index / FPS
        sway_x, sway_y = 30 + 16 * np.sin(0.7 * time), 20 + 5 * np.sin(1.1 * time + 1)
        poses = _poses(time)
        toys = [(toy, _shifted(poses[name], 30 - sway_x, 20 - sway_y)) for name, toy in TOYS.items()]
        picture, masks = draw(pan(background, HEIGHT, WIDTH, sway_x, sway_y), toys)
        yield DemoFrame(time, picture, dict(zip(TOYS, masks, strict=True)))


def demo_sound() -> NDArray[np.float32]:
    """(N,) mono at `SAMPLE_RATE`."""
    rate = SAMPLE_RATE
    events = [(int(t * rate), sounds.thud(rate, 1 - 0.12 * k)) for k, t in enumerate(_BOUNCES_S)]
    events += [(int(t * rate), sounds.ding(rate)) for t in _DINGS_S]
    times = np.arange(*(int(t * rate) for t in _CAR_S)) / rate
    events.append((int(_CAR_S[0] * rate), sounds.motor(rate, _car_speed(times))))
    return sounds.mix(int(SECONDS * rate), events)


def write_demo(path: Path, hook: Hook = no_hook) -> dict[str, Track]:
    """Write the clip as an MP4 with sound; returns the true track of each sentence in `TEXTS`, and that of
    whatever sounds as "sound".
    """
    count = int(SECONDS * FPS)
    pictures = np.empty((count, HEIGHT, WIDTH, 3), np.uint8)
    toys = {name: Track(count, HEIGHT, WIDTH) for name in TOYS}
    sounding = {name: Track(count, HEIGHT, WIDTH) for name in SOUNDING_S}
    for index, frame in enumerate(demo_frames()):
        pictures[index] = frame.picture
        for name, mask in frame.masks.items():
            toys[name][index] = mask
        for name, (start, end) in SOUNDING_S.items():
            if start <= frame.time_s < end:
                sounding[name][index] = frame.masks[name]
        hook("render", None, index + 1, count)
    clip = ArrayClip(pictures, fps=FPS)
    with TemporaryDirectory() as folder, atomic_file(path) as part:
        wav = Path(folder) / "demo.wav"
        with storing_in(Path(gettempdir()), "TMPDIR"):
            wavfile.write(wav, SAMPLE_RATE, demo_sound())
        clip.sound = SoundSource(wav)
        with MovieWriter(part, clip, H264, sound=True) as movie:
            for index, picture in enumerate(pictures):
                movie.write(index, picture)
    truth = {text: toys[name] for text, name in TEXTS.items()}
    return truth | {"sound": union(sounding.values(), count, HEIGHT, WIDTH)}


def _poses(time: float) -> dict[str, Pose]:
    ball_x, lift = _bounce(time)
    swing = 0.0
    if time > SOUNDING_S["bell"][0]:
        swing = 0.75 * np.sin(2 * np.pi * (time - _DINGS_S[0]) + np.pi / 2) * min(1.0, 4 * (time - 5.5))
    pivot_x, pivot_y = 330.0, 60.0
    return {
        "heart": Pose(575, 176, 30, 0.0, ground=206),
        "star": Pose(470, 150, 38, 1.6 * time, ground=196),
        "bell": Pose(pivot_x - 62 * np.sin(swing), pivot_y + 62 * np.cos(swing), 40, swing),
        "car": Pose(_car_x(time), 262, 62, ground=292),
        "ball": Pose(ball_x, 300 - lift, 34, 0.03 * ball_x, ground=334),
    }


def _bounce(time: float) -> tuple[float, float]:
    """x in pixels and height above the table: parabolas between the bounces, then rolling out."""
    start = 2 * _BOUNCES_S[0] - _BOUNCES_S[1]
    contacts = (start, *_BOUNCES_S)
    x = 70 + 62 * min(time, _BOUNCES_S[-1]) + 60 * (1 - np.exp(-max(0.0, time - _BOUNCES_S[-1])))
    for before, after in pairwise(contacts):
        if before <= time < after:
            return x, 4 * 520 * (time - before) * (after - time) / 2
    return x, 0.0


def _car_x(time: float) -> float:
    """The car comes in from the right, brakes, and leaves to the left."""
    start, end = _CAR_S
    progress = np.clip((time - start) / (end - start), 0, 1)
    return float(760 - 900 * (progress + np.sin(2 * np.pi * progress) / (2.6 * np.pi)))


def _car_speed(times: NDArray[np.floating]) -> NDArray[np.floating]:
    start, end = _CAR_S
    progress = (times - start) / (end - start)
    return np.asarray(np.clip((1 + np.cos(2 * np.pi * progress) / 1.3) / 1.77, 0, 1) ** 1.5)


def _shifted(pose: Pose, x: float, y: float) -> Pose:
    ground = None if pose.ground is None else pose.ground + y
    return Pose(pose.x + x, pose.y + y, pose.radius, pose.turn, pose.squash, ground)
