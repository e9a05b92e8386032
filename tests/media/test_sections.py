"""Sections and their pictures: which frames, in what form, with numbers that stay in their frame."""

from __future__ import annotations

import numpy as np
import pytest

from refervid.core.types import Candidate, Frame
from refervid.media.array import ArrayClip
from refervid.media.palette import box_colour
from refervid.media.pictures import decode_jpeg
from refervid.media.sections import (
    PAPER,
    PAPER_SOUND,
    READABLE,
    PictureStyle,
    Section,
    draw_candidates,
    even_section,
    sample_sections,
)
from tests.clips import frame_number, numbered_frames

BLUE = (31, 119, 180)


def clip_of(frames: int, height: int = 96, width: int = 128) -> ArrayClip:
    return ArrayClip(numbered_frames(frames, height, width))


def blank(height: int, width: int, frames: int = 50) -> ArrayClip:
    return ArrayClip(np.full((frames, height, width, 3), 128, np.uint8))


def candidate(*box: float) -> Candidate:
    return Candidate(np.array(box, np.float32), 0.5)


def near(picture: Frame, colour: tuple[int, int, int], within: int = 40) -> np.ndarray:
    """(H, W) bool: pixels of about this colour."""
    return (np.abs(picture.astype(int) - colour) < within).all(-1)


@pytest.mark.parametrize("frames", range(1, 120))
def test_number_of_sections_is_the_published_one(frames: int) -> None:
    sections = sample_sections(clip_of(frames, 4, 8))
    assert len(sections) == frames // 50 + (frames % 50 >= 11)


def test_sections_hold_every_tenth_frame_in_fives() -> None:
    sections = sample_sections(clip_of(75, 4, 8))
    assert [section.frame_indices for section in sections] == [(0, 10, 20, 30, 40), (50, 60, 70)]
    assert [section.index for section in sections] == [0, 1]


def test_a_short_clip_can_be_asked_about_on_request() -> None:
    [section] = sample_sections(clip_of(3, 4, 8), minimum_frames=1)
    assert section.frame_indices == (0,)


def test_an_even_section_spans_the_clip() -> None:
    assert even_section(clip_of(100, 4, 8), 5).frame_indices == (10, 30, 50, 70, 90)
    assert even_section(clip_of(3, 4, 8), 5).frame_indices == (0, 1, 2)


@pytest.mark.parametrize(
    ("height", "width", "shape"), [(480, 854, (1405, 500, 3)), (720, 1280, (1406, 500, 3))]
)
def test_the_paper_picture_has_the_published_size(height: int, width: int, shape: tuple[int, ...]) -> None:
    section = Section(blank(height, width, 5), 0, (0, 1, 2, 3, 4), PAPER)
    assert section.picture.shape == shape


@pytest.mark.parametrize(("width", "height", "radius"), [(854, 480, 20.5), (1280, 720, 13.7)])
def test_the_paper_disc_has_the_published_radius(width: int, height: int, radius: float) -> None:
    picture = Section(blank(height, width, 1), 0, (0,), PAPER).picture
    # A row close to the top of the disc is free of digits; its chord gives the radius.
    across = near(picture, BLUE)
    down = np.flatnonzero(across.any(axis=1))
    assert (down[-1] - down[0] + 1) / 2 == pytest.approx(radius - 1.4, abs=1.2)


def test_the_paper_sheet_for_sound_has_rows_of_five() -> None:
    section = even_section(blank(224, 224, 10), 10, PAPER_SOUND)
    assert section.picture.shape == (1000, 2500, 3)


def test_frames_stand_in_order_and_fill_the_picture() -> None:
    [section] = sample_sections(clip_of(50, 480, 854), style=PAPER)
    rows = np.array_split(section.picture, 5)
    assert [frame_number(row) for row in rows] == [0, 10, 20, 30, 40]


@pytest.mark.parametrize(
    ("height", "width", "frames"), [(480, 854, 5), (854, 480, 5), (480, 854, 10), (480, 854, 1), (64, 64, 7)]
)
def test_the_readable_picture_stays_within_its_limits(height: int, width: int, frames: int) -> None:
    picture = even_section(blank(height, width), frames).picture
    assert max(picture.shape[:2]) <= READABLE.long_side
    assert min(picture.shape[:2]) <= READABLE.short_side
    assert picture.shape[0] * picture.shape[1] > 0.4 * READABLE.long_side * READABLE.short_side


def test_readable_frames_are_kept_apart_and_paper_ones_touch() -> None:
    for style, edge in ((READABLE, 255), (PAPER, 128)):
        picture = Section(blank(240, 320), 0, (0, 1), style.model_copy(update={"columns": 1})).picture
        assert abs(int(picture[picture.shape[0] // 2 - 2, 200, 0]) - edge) < 12


def test_tall_frames_stand_side_by_side() -> None:
    picture = even_section(blank(854, 480), 5).picture
    assert picture.shape[1] > 2 * picture.shape[0]


@pytest.mark.parametrize("style", [PAPER, READABLE])
def test_numbers_keep_to_their_own_frame(style: PictureStyle) -> None:
    """In frames so small that disc and number are larger than the frame, the neighbour stays clean."""
    clip = blank(24, 320, 5)
    picture = Section(clip, 0, (0, 1), style).picture
    alone = Section(clip, 0, (0,), style).picture
    height = picture.shape[0] // 2
    if picture.shape[1] == alone.shape[1]:
        np.testing.assert_array_equal(near(picture[: height - 8], BLUE), near(alone[: height - 8], BLUE))
    box = candidate(300, 10, 330, 40)
    marked = Section(clip, 0, (0, 1), style).marked_picture(0, [box])
    np.testing.assert_array_equal(marked[height + 8 :], picture[height + 8 :])


def test_the_marked_picture_changes_only_the_frame_that_is_marked() -> None:
    [section] = sample_sections(clip_of(50, 240, 854), style=PAPER)
    marked = section.marked_picture(20, [candidate(200, 30, 400, 200), candidate(300, 20, 600, 150)])
    changed = (marked != section.picture).any(axis=(1, 2))
    rows = np.flatnonzero(changed)
    height = marked.shape[0] / 5
    assert 2 * height - 1 <= rows[0]
    assert rows[-1] <= 3 * height
    scale = 500 / 854
    tile = marked[round(2 * height) : round(3 * height)]
    for position, (x, y) in enumerate([(200, 100), (600, 50)]):
        assert near(tile, box_colour(position)[1])[round(y * scale), round(x * scale)]


def test_a_small_box_is_not_hidden_by_its_number() -> None:
    picture = np.full((400, 400, 3), 128, np.uint8)
    draw_candidates(picture, [candidate(100, 100, 120, 120)])
    assert (picture[106:114, 106:114] == 128).all()
    paper = np.full((400, 400, 3), 128, np.uint8)
    draw_candidates(paper, [candidate(100, 100, 120, 120)], style=PAPER)
    assert not (paper[106:114, 106:114] == 128).all()


def test_numbers_of_boxes_that_end_together_do_not_hide_one_another() -> None:
    picture = np.full((400, 400, 3), 128, np.uint8)
    draw_candidates(picture, [candidate(50 * i, 40 * i, 390, 390) for i in range(3)])
    radius = READABLE.label_radius * 400
    for position in range(3):
        disc = near(picture, box_colour(position)[1]).sum()
        assert disc > 0.5 * np.pi * radius**2


def test_in_the_paper_style_a_disc_does_not_hide_the_number_under_it() -> None:
    boxes = [candidate(100, 100, 320, 300), candidate(120, 100, 338, 300)]
    alone, both = np.full((2, 400, 400, 3), 128, np.uint8)
    draw_candidates(alone, boxes[:1], style=PAPER)
    draw_candidates(both, boxes, style=PAPER)
    middle = slice(265, 286), slice(285, 306)  # of the first disc, without its rim
    number = near(alone[middle], (255, 255, 255))
    assert number.any()
    assert near(both[middle], (255, 255, 255))[number].all()


def test_boxes_beyond_the_frame_do_no_harm() -> None:
    [section] = sample_sections(clip_of(50))
    boxes = [candidate(-500, -500, 9e4, 9e4), candidate(200, 200, 210, 210)]
    assert section.marked_picture(0, boxes).shape == section.picture.shape


def test_the_picture_is_what_its_jpeg_holds() -> None:
    [section] = sample_sections(clip_of(50))
    np.testing.assert_array_equal(decode_jpeg(section.jpeg), section.picture)
    assert section.jpeg is section.jpeg


def test_styles_refuse_unknown_settings() -> None:
    with pytest.raises(ValueError, match="colour"):
        PictureStyle.model_validate({"colour": "red"})
