"""The report: one HTML file that explains the results of one clip, without scripts or requests.

Whatever comes from sentences, sound labels and language models is escaped by the template engine, and
the page's own policy forbids scripts and foreign addresses.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from refervid import __version__
from refervid.core.files import write_text
from refervid.media.contact_sheet import contact_sheet
from refervid.media.timing import frame_edges
from refervid.report.outcome import Outcome
from refervid.report.pictures import data_uri, picture_uri, poster_uri
from refervid.report.plot import clock
from refervid.report.templates import template
from refervid.report.views import spending_words, view_queries

EMBED_LIMIT = 8 * 2**20
"""Overlays of up to this many bytes are carried in the page; larger ones are linked beside it."""


def write_report(path: Path, results: Sequence[Outcome], overlay: Path | None = None) -> None:
    """One page on the results of one clip; `overlay` is the movie to show on it."""
    clip, tracks = results[0].clip, [result.track for result in results]
    html = template("page.html.j2", ("refervid.report", "template")).render(
        clip=clip,
        duration=clock(float(frame_edges(clip.times_s)[-1])),
        movie=None if overlay is None else _movie_address(overlay, path.parent),
        poster=poster_uri(clip, tracks),
        sheet=picture_uri(contact_sheet(clip, tracks)),
        queries=view_queries(results),
        preset=results[0].preset,
        engines=results[0].engines,
        spending=spending_words(results[0].spending),
        version=__version__,
    )
    write_text(path, html)


def _movie_address(movie: Path, folder: Path) -> str:
    if movie.stat().st_size <= EMBED_LIMIT:
        return data_uri(movie.read_bytes(), "video/mp4")
    return quote(Path(os.path.relpath(movie, folder)).as_posix())
