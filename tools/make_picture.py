"""The picture at the top of the README: a camera moves over photographs, and `lite` finds what sentences say.

    python tools/make_picture.py PHOTOS docs/pictures/photos.jpg

PHOTOS holds chelsea.png (S. van der Walt, CC0) and coffee.png (R. Michetti, CC0), as scikit-image 0.26 has
them in its folder `data`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from refervid import load
from refervid.media.array import ArrayClip
from refervid.media.overlay import draw_masks

SENTENCES = {
    "coffee.png": ["the coffee cup", "the spoon"],
    "chelsea.png": ["the cat"],
}
FRAMES, SHOWN = 36, (4, 31)
HEIGHT, WIDTH = 320, 480


def moved(photo: np.ndarray) -> ArrayClip:
    """The camera goes to the right and comes nearer."""
    height, width = photo.shape[:2]
    frames = []
    for index in range(FRAMES):
        there = index / (FRAMES - 1)
        scale = max(WIDTH / width, HEIGHT / height) * (1.08 + 0.22 * there)
        free_x, free_y = scale * width - WIDTH, scale * height - HEIGHT
        place = np.array([[scale, 0, -free_x * (0.3 + 0.4 * there)], [0, scale, -free_y * 0.2]])
        frames.append(cv2.warpAffine(photo, place, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC))
    return ArrayClip(np.stack(frames).astype(np.uint8), fps=12)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    pipeline = load("lite", device="cpu")
    columns = []
    for name, sentences in SENTENCES.items():
        photo = cv2.cvtColor(cv2.imread(str(options.photos / name)), cv2.COLOR_BGR2RGB)
        clip = moved(photo)
        results = pipeline(clip, text=sentences)
        labels = [result.label for result in results]  # a guess looks like one
        frames = [clip.frame(index) for index in SHOWN]
        for index, frame in zip(SHOWN, frames, strict=True):
            draw_masks(frame, [result.masks[index] for result in results], labels)
        columns.append(np.vstack(frames))
    picture = cv2.cvtColor(np.hstack(columns), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(options.out), picture, [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()
