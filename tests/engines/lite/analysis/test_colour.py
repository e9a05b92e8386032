"""Colours and the names they deserve."""

from __future__ import annotations

import numpy as np
import pytest

from refervid.engines.lite.analysis.colour import TERMS, lean, membership, memberships, oklab


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((20, 20, 22), "black"),
        ((245, 245, 245), "white"),
        ((128, 128, 128), "grey"),
        ((220, 30, 30), "red"),
        ((120, 15, 20), "red"),
        ((255, 140, 0), "orange"),
        ((250, 220, 40), "yellow"),
        ((40, 150, 60), "green"),
        ((110, 130, 50), "green"),
        ((30, 60, 200), "blue"),
        ((100, 160, 230), "blue"),
        ((25, 30, 80), "blue"),
        ((130, 40, 160), "purple"),
        ((250, 160, 180), "pink"),
        ((110, 70, 40), "brown"),
        ((170, 130, 90), "brown"),
    ],
)
def test_the_best_name(rgb: tuple[int, int, int], name: str) -> None:
    frame = np.full((2, 3, 3), rgb, np.uint8)
    fits = memberships(frame)
    assert fits.shape == (2, 3, len(TERMS))
    assert TERMS[int(fits[0, 0].argmax())] == name
    assert fits[0, 0].max() > 0.5


def test_shades() -> None:
    dark, light = np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1, 3), np.uint8)
    dark[:] = (20, 70, 30)
    light[:] = (150, 230, 160)
    assert membership(dark, ["green"], "dark") > 0.5 > membership(light, ["green"], "dark")
    assert membership(light, ["green"], "light") > 0.5 > membership(dark, ["green"], "light")


@pytest.mark.parametrize(
    ("more", "less", "term"),
    [
        ((69, 74, 40), (73, 41, 27), "green"),
        ((180, 193, 205), (180, 180, 180), "blue"),
        ((200, 170, 60), (160, 90, 60), "yellow"),
        ((60, 55, 50), (120, 115, 110), "black"),
        ((120, 120, 120), (120, 90, 60), "grey"),
        ((110, 80, 50), (110, 110, 110), "brown"),
    ],
)
def test_of_two_colours_one_leans_more_to_a_term(
    more: tuple[int, int, int], less: tuple[int, int, int], term: str
) -> None:
    one, other = (lean(oklab(np.array(rgb, float)), term) for rgb in (more, less))
    assert one > max(other, 0)
