"""Curves of a run as one SVG picture: losses above, scores below."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP = 900, 300, 60, 150, 30
_COLOURS = ("#1f6feb", "#d1242f", "#1a7f37", "#9a6700", "#8250df", "#bc4c00", "#57606a")

Points = Sequence[tuple[float, float]]


def draw_curves(rows: Sequence[Mapping[str, Any]]) -> str:
    """`rows` of the log: those of steps have a `loss`, those of epochs may have scores.

    Of the losses those of the last decoder layer are shown; the others' names end with a digit.
    """
    losses = _columns(rows, lambda name: name.startswith("loss") and not name[-1].isdigit())
    of_epochs = [row for row in rows if "loss" not in row]
    scores = _columns(of_epochs, lambda name: name not in ("step", "epoch") and not name.startswith("loss"))
    panels = [("loss", losses), ("validation", scores)]
    drawn = [
        f'<g transform="translate(0 {index * _HEIGHT})">{_panel(title, curves)}</g>'
        for index, (title, curves) in enumerate(panels)
    ]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT * len(panels)}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>'
        + "".join(drawn)
        + "</svg>\n"
    )


def _columns(rows: Sequence[Mapping[str, Any]], wanted: Callable[[str], bool]) -> dict[str, Points]:
    """Curves by name; a number that was not finite (None) is left out."""
    names = sorted({name for row in rows for name in row if wanted(name)})
    return {name: [(row["step"], row[name]) for row in rows if row.get(name) is not None] for name in names}


def _panel(title: str, curves: Mapping[str, Points]) -> str:
    bottom, right = _HEIGHT - 30, _WIDTH - _RIGHT
    parts = [f'<text x="{_LEFT}" y="20" font-weight="bold">{escape(title)}</text>']
    parts.append(f'<path d="M{_LEFT} {_TOP}V{bottom}H{right}" fill="none" stroke="#57606a"/>')
    points = [point for curve in curves.values() for point in curve]
    if not points:
        return "".join(parts)
    last = max(1.0, *(x for x, _ in points))
    low, high = min(0.0, *(y for _, y in points)), max(1e-6, *(y for _, y in points))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _LEFT + share * (right - _LEFT), bottom - share * (bottom - _TOP)
        parts.append(f'<text x="{x:.0f}" y="{bottom + 16}" text-anchor="middle">{share * last:.0f}</text>')
        value = low + share * (high - low)
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.0f}" text-anchor="end">{value:.2f}</text>')
    for index, (name, curve) in enumerate(curves.items()):
        colour = _COLOURS[index % len(_COLOURS)]
        path = " ".join(
            f"{_LEFT + x / last * (right - _LEFT):.1f},"
            f"{bottom - (y - low) / (high - low) * (bottom - _TOP):.1f}"
            for x, y in curve
        )
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        parts.append(
            f'<text x="{right + 10}" y="{_TOP + 16 * index + 10}" fill="{colour}">{escape(name)}</text>'
        )
    return "".join(parts)
