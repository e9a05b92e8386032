"""Made-up clips of coloured shapes on a textured ground, with candidates that are known to be right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from refervid.core.types import Candidate, Mask, Waveform
from refervid.engines.questions import BoxQuestion
from refervid.media.array import ArrayClip
from refervid.media.sections import Section

HEIGHT, WIDTH = 216, 384
FPS = 15.0
COLOURS = {
    "red": (210, 30, 35),
    "yellow": (245, 215, 40),
    "blue": (35, 70, 205),
    "green": (35, 150, 60),
    "white": (240, 240, 240),
    "black": (18, 18, 20),
    "brown": (115, 70, 40),
}

Path = Callable[[float], tuple[float, float]]


def stay(x: float, y: float) -> Path:
    return lambda time: (x, y)


def go(x: float, y: float, to_x: float, to_y: float, until: float = 2.0) -> Path:
    """Even motion from one point to another, then rest; pixels and seconds."""
    return lambda time: (
        x + (to_x - x) * min(time / until, 1),
        y + (to_y - y) * min(time / until, 1),
    )


@dataclass(frozen=True)
class Shape:
    """A thing of some pixels' size whose centre follows `path`; `trousers` colour its lower half."""

    name: str
    colour: str
    path: Path
    width: int = 30
    height: int = 30
    round: bool = False
    trousers: str = ""
    growth: float = 1.0
    score: float = 0.5

    def mask(self, time: float, seconds: float) -> Mask:
        x, y = self.path(time)
        scale = self.growth ** (time / seconds)
        half = self.width * scale / 2, self.height * scale / 2
        drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
        if self.round:
            cv2.ellipse(drawn, (round(x), round(y)), (round(half[0]), round(half[1])), 0, 0, 360, 1, -1)
        else:
            low, high = (round(x - half[0]), round(y - half[1])), (round(x + half[0]), round(y + half[1]))
            cv2.rectangle(drawn, low, high, 1, -1)
        return drawn > 0


class ShapesClip(ArrayClip):
    """The shapes, later ones in front, for some seconds; the camera may pan by pixels a second."""

    def __init__(
        self,
        shapes: Sequence[Shape],
        seconds: float = 2.0,
        pan: float = 0.0,
        sound: NDArray[np.float32] | None = None,
    ) -> None:
        self.shapes = shapes
        self.seconds = seconds
        self._sound = sound
        shift = round(abs(pan) * seconds) + 1
        ground = _texture(5, WIDTH + shift, (120, 118, 112), 35)
        frames = []
        for number in range(round(seconds * FPS)):
            time = number / FPS
            left = round(pan * time) if pan >= 0 else shift + round(pan * time)
            frame = ground[:, left : left + WIDTH].copy()
            for shape in shapes:
                self._draw(frame, shape, time)
            frames.append(frame)
        super().__init__(np.stack(frames), fps=FPS)

    def _draw(self, frame: NDArray[np.uint8], shape: Shape, time: float) -> None:
        mask = shape.mask(time, self.seconds)
        x, y = shape.path(time)
        scale = shape.growth ** (time / self.seconds)
        # The texture moves and grows with the shape.
        onto = np.array([[scale, 0, x - scale * WIDTH / 2], [0, scale, y - scale * HEIGHT / 2]])
        skin = _texture(len(shape.name), WIDTH, COLOURS[shape.colour], 18)
        if shape.trousers:
            legs = _texture(3, WIDTH, COLOURS[shape.trousers], 18)
            skin = np.concatenate([skin[: HEIGHT // 2], legs[HEIGHT // 2 :]])
        skin = cv2.warpAffine(skin, onto, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)
        frame[mask] = skin[mask]

    @property
    def has_audio(self) -> bool:
        return self._sound is not None

    def waveform(self, sample_rate: int = 16_000) -> Waveform:
        assert self._sound is not None
        return Waveform(self._sound, sample_rate)

    def candidates(self, frame_index: int, masks: bool = True) -> list[Candidate]:
        """One candidate per shape, in their order."""
        found = []
        for shape in self.shapes:
            mask = shape.mask(frame_index / FPS, self.seconds)
            ys, xs = np.nonzero(mask)
            box = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], np.float32)
            found.append(Candidate(box, shape.score, "", mask if masks else None))
        return found

    def question(self, text: str, frame_index: int | None = None, masks: bool = True) -> BoxQuestion:
        frame = len(self) // 2 if frame_index is None else frame_index
        section = Section(self, 0, (frame,))
        return BoxQuestion(section, frame, self.candidates(frame, masks), text)


@cache
def _texture(seed: int, width: int, colour: tuple[int, int, int], contrast: int) -> NDArray[np.uint8]:
    """Soft blotches around a colour, so that optical flow has something to hold on to."""
    rng = np.random.default_rng(seed)
    noise = cv2.GaussianBlur(rng.normal(size=(HEIGHT, width)).astype(np.float32), (0, 0), 2)
    noise *= contrast / np.abs(noise).max()
    return np.clip(np.array(colour) + noise[..., None], 0, 255).astype(np.uint8)
