"""The plot of a mask's area over time, as coordinates for an SVG of 1000 x 100 units."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from refervid.core.track import Track
from refervid.media.timing import frame_edges

WIDTH, HEIGHT = 1000.0, 100.0
_COLUMNS = 800
"""Longer clips are drawn in this many steps; a screen shows no more."""


@dataclass(frozen=True)
class AreaPlot:
    """`fills` and `lines` are SVG path data, one per stretch in which the object is seen.

    `gaps` are (x, width) of the stretches between; `pivots` x positions; `ticks` (per cent of the width,
    time in words); `peak` the largest area in words.
    """

    fills: tuple[str, ...]
    lines: tuple[str, ...]
    gaps: tuple[tuple[float, float], ...]
    pivots: tuple[float, ...]
    ticks: tuple[tuple[float, str], ...]
    peak: str


def area_plot(track: Track, times_s: NDArray[np.float64], pivot_frames: Sequence[int]) -> AreaPlot:
    """The plot of one track; a frame lasts until the next one begins."""
    edges_s = frame_edges(times_s)
    x = WIDTH * edges_s / edges_s[-1]
    shares = track.areas() / (track.height * track.width)
    pivots = tuple(round(float(x[i] + x[i + 1]) / 2, 1) for i in sorted(set(pivot_frames)))
    starts = np.unique(np.linspace(0, len(shares), min(_COLUMNS, len(shares)), endpoint=False).astype(int))
    steps = np.maximum.reduceat(shares, starts)
    bounds = x[np.append(starts, len(shares))]
    y = HEIGHT - 0.92 * HEIGHT * steps / max(float(steps.max()), 1e-9)
    fills, lines, gaps = [], [], []
    for first, last in _stretches(steps > 0):
        if steps[first] > 0:
            line = _path(bounds[first : last + 1], y[first:last])
            lines.append("M" + line)
            fills.append(f"M{bounds[first]:.1f} {HEIGHT:g}L{line}L{bounds[last]:.1f} {HEIGHT:g}Z")
        else:
            gaps.append((round(float(bounds[first]), 1), round(float(bounds[last] - bounds[first]), 1)))
    return AreaPlot(
        tuple(fills),
        tuple(lines),
        tuple(gaps),
        pivots,
        _ticks(float(edges_s[-1])),
        percent(float(steps.max())),
    )


def seen_spans(track: Track, times_s: NDArray[np.float64]) -> list[tuple[float, float]]:
    """`(start, end)` in seconds of the stretches in which the mask is not empty."""
    edges_s = frame_edges(times_s)
    seen = track.areas() > 0
    return [(float(edges_s[a]), float(edges_s[b])) for a, b in _stretches(seen) if seen[a]]


def clock(seconds: float) -> str:
    """0.00003 -> "0 s", 0.125 -> "0.12 s", 4.25 -> "4.2 s", 64 -> "1:04", 3725 -> "1:02:05"."""
    if seconds < 1:
        return f"{round(seconds, 2):.2g} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s".replace(".0 s", " s")
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def percent(share: float) -> str:
    """0.1234 -> "12 %", 0.00123 -> "0.12 %"."""
    return f"{100 * share:.2g} %" if share < 0.0995 else f"{100 * share:.0f} %"


def _stretches(seen: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """`(first, end)` of the runs of equal values."""
    changes = np.flatnonzero(seen[1:] != seen[:-1]) + 1
    bounds = [0, *changes.tolist(), len(seen)]
    return list(pairwise(bounds))


def _path(bounds: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    middles = (bounds[:-1] + bounds[1:]) / 2
    points = [(bounds[0], y[0]), *zip(middles, y, strict=True), (bounds[-1], y[-1])]
    return "L".join(f"{px:.1f} {py:.1f}" for px, py in points)


def _ticks(end_s: float) -> tuple[tuple[float, str], ...]:
    """Round times, four to eight of them; the last one leaves room for its words."""
    rough = end_s / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.8)
    if step >= 30:
        step = next((s for s in (30, 60, 120, 300, 600, 1200, 1800, 3600) if s >= rough * 0.8), 7200)
    return tuple(
        (round(100 * i * step / end_s, 2), clock(i * step)) for i in range(int(0.96 * end_s / step) + 1)
    )
