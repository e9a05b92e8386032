"""Addresses under which a visitor's own browser finds frames, masks and files."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, JSONResponse, Response
from numpy.typing import NDArray
from PIL import Image

from refervid.core.errors import RefervidError
from refervid.core.types import Frame, Mask
from refervid.media.overlay import draw_masks, hiding, outline_width
from refervid.media.palette import RGB, query_colour
from refervid.media.pictures import encode_jpeg, shrunk
from refervid.webui.clip_work import ClipWork
from refervid.webui.desk import Desk
from refervid.webui.marks import Mark, mask_counts, read
from refervid.webui.preview import Previewer
from refervid.webui.visitors import Visitors

PREFIX = "/desk"
LONG_SIDE = 1280
"""Larger frames are shown at this size."""

_FILL, _OUTLINE = 105, 255
"""Opacity of a mask's inside and of its outline."""

_HEADERS = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
_UNKEPT = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def router(visitors: Visitors) -> APIRouter:
    """Who does not know the token finds nothing."""
    routes = APIRouter(prefix=PREFIX, include_in_schema=False)
    previews = Previewer()

    def work_of(token: str, clip: int) -> ClipWork:
        desk = visitors.with_token(token)
        work = None if desk is None else desk.works.get(clip)
        if work is None:
            raise HTTPException(404)
        return work

    def shown_frame(work: ClipWork, index: int) -> Frame:
        try:
            return work.frame(index)
        except (IndexError, RefervidError):  # also where the clip was just closed
            raise HTTPException(404) from None

    @routes.get("/{token}/{clip}/{index:int}.jpg")
    def frame(token: str, clip: int, index: int) -> Response:
        picture = shown_frame(work_of(token, clip), index)
        return Response(encode_jpeg(_fitted(picture), 85), media_type="image/jpeg", headers=_HEADERS)

    @routes.get("/{token}/{clip}/clip")
    def clip_file(token: str, clip: int) -> FileResponse:
        """The clip itself, whatever it is called: never a page."""
        return FileResponse(work_of(token, clip).clip.source, headers=_HEADERS, media_type="video/mp4")

    def present_masks(work: ClipWork, number: int, query: int, index: int) -> Iterator[Mask]:
        """That of an answer, then those of the answers after it, each unpacked when it is asked for."""
        answers = work.answers
        if answers is None or answers.number != number or not 0 <= query < len(answers.results):
            raise HTTPException(404)
        if not 0 <= index < len(work.clip):
            raise HTTPException(404)
        return (result.track[index] for result in answers.results[query:])

    @routes.get("/{token}/{clip}/mask-{number}/{query}/{index}.png")
    def mask(token: str, clip: int, number: int, query: int, index: int) -> Response:
        shown, *later = present_masks(work_of(token, clip), number, query, index)
        picture = mask_png(shown, query_colour(query), hiding(shown, later))
        return Response(picture, media_type="image/png", headers=_HEADERS)

    @routes.get("/{token}/{clip}/mask-{number}/{query}/{index}.json")
    def counts(token: str, clip: int, number: int, query: int, index: int) -> JSONResponse:
        """The mask as a mark has it, for a brush to go on from."""
        found = next(present_masks(work_of(token, clip), number, query, index))
        return JSONResponse(mask_counts(found), headers=_HEADERS)

    @routes.get("/{token}/{clip}/preview-{number}/{index}.png")
    def preview(token: str, clip: int, number: int, index: int, mark: str) -> Response:
        """The mask that a mark would give on its frame; `number` is that of the answers, 0 without any."""
        work = work_of(token, clip)
        try:
            given = read(Mark, {**json.loads(mark), "frame": index})
            present = None if given.query is None else next(present_masks(work, number, given.query, index))
            found = previews.mask(work, given.pivot(work.clip), present)
        except (ValueError, TypeError, IndexError, RecursionError, RefervidError):
            raise HTTPException(404) from None
        colour = query_colour(next_place(work) if given.query is None else given.query)
        return Response(mask_png(found, colour), media_type="image/png", headers=_UNKEPT)

    @routes.get("/{token}/{clip}/still-{number}.jpg")
    def still(token: str, clip: int, number: int) -> Response:
        work = work_of(token, clip)
        answers, glimpse = work.answers, work.glimpse
        if glimpse is not None and glimpse.number == number:
            masks, labels = glimpse.masks, glimpse.labels
            picture = shown_frame(work, glimpse.frame)
        elif answers is not None and answers.number == number:
            masks = tuple(one.track[answers.best_frame] for one in answers.results)
            labels = tuple(one.label for one in answers.results)
            picture = shown_frame(work, answers.best_frame)
        else:
            raise HTTPException(404)
        draw_masks(picture, masks, labels)
        return Response(encode_jpeg(_fitted(picture), 85), media_type="image/jpeg", headers=_HEADERS)

    @routes.get("/{token}/{clip}/files/{name}")
    def file(token: str, clip: int, name: str) -> FileResponse:
        path = next((one for one in _files(work_of(token, clip)) if one.name == name), None)
        if path is None:
            raise HTTPException(404)
        return FileResponse(path, headers=_HEADERS, filename=None if path.suffix == ".mp4" else name)

    return routes


def work_address(desk: Desk, work: ClipWork) -> str:
    """Where everything on a clip lies; frames as `.../INDEX.jpg`."""
    return f"{PREFIX}/{desk.token}/{work.number}/"


def answers_number(work: ClipWork) -> int:
    """0 without any."""
    return work.answers.number if work.answers else 0


def next_place(work: ClipWork) -> int:
    """Of an answer that would come now."""
    return len(work.answers.results) if work.answers else 0


def file_address(desk: Desk, work: ClipWork, path: Path) -> str:
    return f"{work_address(desk, work)}files/{path.name}"


def mask_png(mask: Mask, colour: RGB, above: int = 0) -> bytes:
    """A mask (H, W) as a see-through PNG in `colour`, with an outline, at the size frames are shown at. Where
    `above` later ones hide it, a wider one, as in `draw_masks`.
    """
    shown = _fitted(mask.view(np.uint8))
    layer = np.zeros((*shown.shape, 4), np.uint8)
    layer[..., :3] = colour
    layer[..., 3] = shown * np.uint8(_FILL)
    outlines, _ = cv2.findContours(shown, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    line = outline_width(shown.shape, above)
    cv2.drawContours(layer, outlines, -1, (*colour, _OUTLINE), line, cv2.LINE_AA)
    buffer = io.BytesIO()
    Image.fromarray(layer).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _fitted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """At most `LONG_SIDE` pixels long; a mask stays one."""
    return shrunk(picture, LONG_SIDE / max(picture.shape[:2]))


def _files(work: ClipWork) -> list[Path]:
    """What may be fetched: the film and the last export."""
    return [path for path in (work.film, work.exported) if path is not None]
