"""The plot of area over time, and times in words."""

from __future__ import annotations

import numpy as np
import pytest

from refervid.core.track import Track
from refervid.report.plot import area_plot, clock, percent, seen_spans


def track_of(areas: list[int]) -> Track:
    track = Track(len(areas), 10, 100)
    for index, area in enumerate(areas):
        mask = np.zeros(1000, bool)
        mask[:area] = True
        track[index] = mask.reshape(10, 100)
    return track


def test_gaps_lie_where_the_object_is_away() -> None:
    plot = area_plot(track_of([0, 5, 5, 0, 0, 10, 0, 0, 0, 0]), np.arange(10) / 10, [2, 5, 5])
    assert plot.gaps == ((0.0, 100.0), (300.0, 200.0), (600.0, 400.0))
    assert len(plot.lines) == len(plot.fills) == 2
    assert plot.lines[0] == "M100.0 54.0L150.0 54.0L250.0 54.0L300.0 54.0"
    assert plot.fills[1] == "M500.0 100L500.0 8.0L550.0 8.0L600.0 8.0L600.0 100Z"
    assert plot.pivots == (250.0, 550.0)
    assert plot.peak == "1 %"


def test_the_plot_goes_by_time_not_by_frame() -> None:
    plot = area_plot(track_of([5, 0, 5]), np.array([0.0, 0.5, 9.5]), [])
    assert plot.gaps == (
        (pytest.approx(1000 * 0.5 / 14.25, abs=0.1), pytest.approx(1000 * 9 / 14.25, abs=0.1)),
    )


def test_long_clips_lose_no_gap_longer_than_a_step_and_no_peak() -> None:
    areas = [5] * 10_000
    areas[2000:2040] = [0] * 40
    areas[7777] = 50
    plot = area_plot(track_of(areas), np.arange(10_000) / 25, [])
    assert len(plot.gaps) == 1
    assert plot.peak == "5 %"
    assert sum(len(line) for line in plot.lines) < 20_000


def test_spans_of_sight() -> None:
    times_s = np.array([0, 0.1, 0.2, 0.9, 1.0])
    assert seen_spans(track_of([1, 1, 0, 0, 1]), times_s) == [(0, 0.2), (1.0, pytest.approx(1.1))]
    assert seen_spans(track_of([0]), np.array([0.0])) == []
    assert seen_spans(track_of([1]), np.array([0.0])) == [(0, 0.04)]


@pytest.mark.parametrize("seconds", [0.04, 0.3, 1, 5, 9.9, 42, 61, 600, 3700, 20_000])
def test_ticks_are_few_and_fit(seconds: float) -> None:
    plot = area_plot(track_of([1, 1, 1]), np.array([0, seconds / 3, seconds * 2 / 3]), [])
    assert 3 <= len(plot.ticks) <= 8
    assert plot.ticks[0] == (0.0, "0 s")
    assert all(place <= 96 for place, _ in plot.ticks)
    assert len({words for _, words in plot.ticks}) == len(plot.ticks)


def test_times_in_words() -> None:
    assert [clock(s) for s in (0, 3e-5, 0.04, 4.25, 59.96, 64, 3725)] == [
        "0 s",
        "0 s",
        "0.04 s",
        "4.2 s",
        "1:00",
        "1:04",
        "1:02:05",
    ]


def test_shares_in_words() -> None:
    assert [percent(s) for s in (0, 0.00123, 0.091, 0.0999, 0.5)] == [
        "0 %",
        "0.12 %",
        "9.1 %",
        "10 %",
        "50 %",
    ]
