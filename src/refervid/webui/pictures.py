"""Addresses under which a visitor's own browser finds frames, masks and files."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import numpy as np
from fastapi import APIRouter, HTTPException
from fastapi.responses import FileResponse, Response
from numpy.typing import NDArray
from PIL import Image

from refervid.core.errors import RefervidError
from refervid.core.types import Frame, Mask
from refervid.media.overlay import draw_masks
from refervid.media.palette import RGB, query_colour
from refervid.media.pictures import encode_jpeg
from refervid.webui.session import Session
from refervid.webui.sessions import Sessions

PREFIX = "/session"
LONG_SIDE = 1280
"""Larger frames are shown at this size."""

_FILL, _OUTLINE = 105, 255
"""Opacity of a mask's inside and of its outline."""

_HEADERS = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}


def router(sessions: Sessions) -> APIRouter:
    """Who does not know the token finds nothing."""
    routes = APIRouter(prefix=PREFIX, include_in_schema=False)

    def session_of(token: str) -> Session:
        session = sessions.with_token(token)
        if session is None:
            raise HTTPException(404)
        return session

    def shown_frame(session: Session, index: int) -> Frame:
        try:
            return session.frame(index)
        except (IndexError, RefervidError):  # also where the clip has just given way to another one
            raise HTTPException(404) from None

    @routes.get("/{token}/clip-{clip}/{index}.jpg")
    def frame(token: str, clip: int, index: int) -> Response:
        picture = shown_frame(session_of(token), index)
        return Response(encode_jpeg(_fitted(picture), 85), media_type="image/jpeg", headers=_HEADERS)

    @routes.get("/{token}/clip-{clip}/film")
    def film(token: str, clip: int) -> FileResponse:
        """The clip itself, whatever it is called: never a page."""
        session = session_of(token)
        if session.clip is None or session.clip_number != clip:
            raise HTTPException(404)
        return FileResponse(session.clip.source, headers=_HEADERS, media_type="video/mp4")

    @routes.get("/{token}/mask-{number}/{query}/{index}.png")
    def mask(token: str, number: int, query: int, index: int) -> Response:
        answers = session_of(token).answers
        if answers is None or answers.number != number or not 0 <= query < len(answers.results):
            raise HTTPException(404)
        track = answers.results[query].track
        if not 0 <= index < len(track):
            raise HTTPException(404)
        return Response(mask_png(track[index], query_colour(query)), media_type="image/png", headers=_HEADERS)

    @routes.get("/{token}/still-{number}.jpg")
    def still(token: str, number: int) -> Response:
        session = session_of(token)
        answers = session.answers
        if answers is None or answers.number != number:
            raise HTTPException(404)
        results, index = answers.results, answers.best_frame
        picture = shown_frame(session, index)
        draw_masks(picture, [one.track[index] for one in results], [one.label for one in results])
        return Response(encode_jpeg(_fitted(picture), 85), media_type="image/jpeg", headers=_HEADERS)

    @routes.get("/{token}/files/{name}")
    def file(token: str, name: str) -> FileResponse:
        path = next((one for one in _files(session_of(token)) if one.name == name), None)
        if path is None:
            raise HTTPException(404)
        return FileResponse(path, headers=_HEADERS, filename=None if path.suffix == ".mp4" else name)

    return routes


def frame_address(session: Session) -> str:
    """Where frames lie, as `.../INDEX.jpg`."""
    return f"{PREFIX}/{session.token}/clip-{session.clip_number}/"


def clip_address(session: Session) -> str:
    return f"{PREFIX}/{session.token}/clip-{session.clip_number}/film"


def mask_address(session: Session, number: int) -> str:
    """Where masks of the answers `number` lie, as `.../QUERY/INDEX.png`."""
    return f"{PREFIX}/{session.token}/mask-{number}/"


def still_address(session: Session, number: int) -> str:
    """Where the most telling frame of the answers `number` lies."""
    return f"{PREFIX}/{session.token}/still-{number}.jpg"


def file_address(session: Session, path: Path) -> str:
    return f"{PREFIX}/{session.token}/files/{path.name}"


def mask_png(mask: Mask, colour: RGB) -> bytes:
    """A mask (H, W) as a see-through PNG in `colour`, with an outline, at the size frames are shown at."""
    shown = _fitted(mask.view(np.uint8))
    layer = np.zeros((*shown.shape, 4), np.uint8)
    layer[..., :3] = colour
    layer[..., 3] = shown * np.uint8(_FILL)
    outlines, _ = cv2.findContours(shown, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    line = max(round(min(shown.shape) / 240), 1)
    cv2.drawContours(layer, outlines, -1, (*colour, _OUTLINE), line, cv2.LINE_AA)
    buffer = io.BytesIO()
    Image.fromarray(layer).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _fitted(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """At most `LONG_SIDE` pixels long; a mask stays one."""
    scale = LONG_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture
    size = (max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1))
    smooth = cv2.INTER_AREA if picture.ndim == 3 else cv2.INTER_NEAREST
    return np.asarray(cv2.resize(picture, size, interpolation=smooth), np.uint8)


def _files(session: Session) -> list[Path]:
    """What may be fetched: the overlay and the last export."""
    return [path for path in (session.overlay, session.exported) if path is not None]
