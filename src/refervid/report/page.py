"""The report: one HTML file that explains the results of one clip, without scripts or requests.

Whatever comes from sentences, sound labels and language models is escaped by the template engine, and
the page's own policy forbids scripts and foreign addresses.
"""

from __future__ import annotations

import base64
import os
import re
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

MOVIE_LIMIT = 2**20
"""Overlays of up to this many bytes are carried in the page; larger ones are linked beside it."""
PICTURE_LIMIT = 1_300_000
"""Letters of the page for pictures; further ones lie beside it, so that it stays below 3 MB."""
_PICTURE = re.compile(r'src="data:image/jpeg;base64,([^"]+)"')


def write_report(path: Path, results: Sequence[Outcome], overlay: Path | None = None) -> None:
    """One page on the results of one clip; `overlay` is the movie to show on it.

    Pictures that would make the page too large lie beside it, as report/00.jpg, report/01.jpg, ...
    """
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
    write_text(path, _with_pictures_beside(html, path.parent / "report"))


def _with_pictures_beside(html: str, folder: Path) -> str:
    room, count = PICTURE_LIMIT, 0

    def address(found: re.Match[str]) -> str:
        nonlocal room, count
        if len(found[1]) <= room:
            room -= len(found[1])
            return found[0]
        folder.mkdir(exist_ok=True)
        name, count = f"{count:02d}.jpg", count + 1
        (folder / name).write_bytes(base64.b64decode(found[1]))
        return f'src="{folder.name}/{name}"'

    return _PICTURE.sub(address, html)


def _movie_address(movie: Path, folder: Path) -> str:
    if movie.stat().st_size <= MOVIE_LIMIT:
        return data_uri(movie.read_bytes(), "video/mp4")
    return quote(Path(os.path.relpath(movie, folder)).as_posix())
