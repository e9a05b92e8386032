"""Colours that other programs rely on."""

from __future__ import annotations

from refervid.media.palette import BOX_COLOURS, QUERY_COLOURS, box_colour, query_colour, voc_palette


def test_the_first_colours_of_the_voc_palette() -> None:
    first = [tuple(int(value) for value in colour) for colour in voc_palette()[:9]]
    assert first == [
        (0, 0, 0),
        (128, 0, 0),
        (0, 128, 0),
        (128, 128, 0),
        (0, 0, 128),
        (128, 0, 128),
        (0, 128, 128),
        (128, 128, 128),
        (64, 0, 0),
    ]
    assert len({tuple(colour) for colour in voc_palette().tolist()}) == 256


def test_colours_repeat_instead_of_running_out() -> None:
    assert box_colour(len(BOX_COLOURS)) == box_colour(0) == ("green", (0, 128, 0))
    assert query_colour(len(QUERY_COLOURS) + 1) == query_colour(1)
