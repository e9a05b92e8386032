"""Decoder answers as tracks, frame by frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from refervid.core.track import Track
from refervid.core.types import Mask
from refervid.engines.sam2.network import Decoded
from refervid.engines.sam2.pixels import at_video_size
from refervid.engines.sam2.propagate import FrameResult
from refervid.models.chunks import pieces


def masks_of(decoded: Decoded, height: int, width: int) -> list[Mask]:
    """Bool (height, width) masks: logits at video size above 0."""
    return _to_masks(_columns(decoded, height, width).cpu())


def presence_of(decoded: Decoded) -> list[float]:
    """How sure the decoder is that each object is in the frame, 0..1."""
    presence: list[float] = decoded.scores.sigmoid().tolist()
    return presence


def _columns(decoded: Decoded, height: int, width: int) -> Tensor:
    """(B, width, height) bool: turned before they are large, because run lengths go down columns."""
    turned = decoded.logits.transpose(1, 2)
    parts = pieces(len(turned), height * width // 256, turned.device)
    return torch.cat([at_video_size(turned[part], width, height) > 0 for part in parts])


def _to_masks(columns: Tensor) -> list[Mask]:
    return list(columns.numpy().transpose(0, 2, 1))


@dataclass(frozen=True)
class _Pending:
    """A result on its way from the device to the host, complete once `arrived` has happened."""

    index: int
    rows: tuple[int, ...]
    columns: Tensor
    presence: Tensor
    logits: Tensor | None
    arrived: torch.cuda.Event | None


class TrackWriter:
    """Fills tracks of one clip in any order of frames; with `keep_logits` with the decoder's logits too.

    The last `lag` results are still on their way, so that a GPU tracks one frame while the host packs
    the frame before.
    """

    def __init__(self, tracks: Sequence[Track], *, keep_logits: bool, lag: int) -> None:
        self._tracks = tracks
        self._keep_logits = keep_logits
        self._lag = lag
        self._pending: deque[_Pending] = deque()

    def finish(self) -> None:
        """Wait for those that are still on their way."""
        self._store(leave=0)

    def write(self, result: FrameResult) -> None:
        decoded, track = result.decoded, self._tracks[0]
        columns = _columns(decoded, track.height, track.width).to("cpu", non_blocking=True)
        presence = decoded.scores.sigmoid().to("cpu", non_blocking=True)
        logits = None
        if self._keep_logits:
            logits = decoded.logits.to(torch.float16).to("cpu", non_blocking=True)
        arrived = None
        if decoded.logits.is_cuda:
            arrived = torch.cuda.Event()  # type: ignore[no-untyped-call]
            arrived.record(torch.cuda.current_stream(decoded.logits.device))
        self._pending.append(_Pending(result.index, result.objects, columns, presence, logits, arrived))
        self._store(leave=self._lag)

    def _store(self, leave: int) -> None:
        while len(self._pending) > leave:
            item = self._pending.popleft()
            if item.arrived is not None:
                item.arrived.synchronize()
            masks, presence = _to_masks(item.columns), item.presence.tolist()
            for row, mask, present in zip(item.rows, masks, presence, strict=True):
                self._tracks[row][item.index] = mask
                self._tracks[row].presence[item.index] = present
            if item.logits is not None:
                for row, plane in zip(item.rows, item.logits.numpy(), strict=True):
                    self._logits(row, plane.shape)[item.index] = plane

    def _logits(self, row: int, shape: tuple[int, ...]) -> NDArray[np.float16]:
        track = self._tracks[row]
        if track.logits is None:
            track.logits = np.zeros((len(track), *shape), np.float16)
        return track.logits
