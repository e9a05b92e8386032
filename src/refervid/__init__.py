"""refervid: point at anything in a video with words or with its own sound, get its mask in every frame.

    import refervid
    result = refervid.segment("clip.mp4", text="the blue cup")
    result.masks, result.boxes_xyxy, result.times_s, result.status
    result.save("out/")

Names are imported on first use, so that `import refervid` is quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from refervid.core import errors

__version__ = "0.1.0"

_HOMES = {
    "Candidate": "refervid.core.types",
    "Clip": "refervid.media.clip",
    "Decision": "refervid.core.types",
    "IntermediateFiles": "refervid.report.intermediate",
    "MarkReference": "refervid.core.types",
    "Pipeline": "refervid.pipelines.base",
    "Pivot": "refervid.core.types",
    "Result": "refervid.report.result",
    "Session": "refervid.pipelines.session.session",
    "SoundReference": "refervid.core.types",
    "TextReference": "refervid.core.types",
    "Track": "refervid.core.track",
    "candidate_pivot": "refervid.pipelines.correct",
    "correct": "refervid.pipelines.correct",
    "inventory": "refervid.pipelines.tracks.inventory",
    "load": "refervid.pipelines.presets",
    "load_results": "refervid.report.result",
    "open_clip": "refervid.media.opening",
    "open_session": "refervid.pipelines.session.session",
    "save_results": "refervid.report.save",
    "segment": "refervid.pipelines.segment",
    "track": "refervid.pipelines.track",
}

__all__ = [
    "Candidate",
    "Clip",
    "Decision",
    "IntermediateFiles",
    "MarkReference",
    "Pipeline",
    "Pivot",
    "Result",
    "Session",
    "SoundReference",
    "TextReference",
    "Track",
    "candidate_pivot",
    "correct",
    "errors",
    "inventory",
    "load",
    "load_results",
    "open_clip",
    "open_session",
    "save_results",
    "segment",
    "track",
]

if TYPE_CHECKING:
    from refervid.core.track import Track
    from refervid.core.types import Candidate, Decision, MarkReference, Pivot, SoundReference, TextReference
    from refervid.media.clip import Clip
    from refervid.media.opening import open_clip
    from refervid.pipelines.base import Pipeline
    from refervid.pipelines.correct import candidate_pivot, correct
    from refervid.pipelines.presets import load
    from refervid.pipelines.segment import segment
    from refervid.pipelines.session.session import Session, open_session
    from refervid.pipelines.track import track
    from refervid.pipelines.tracks.inventory import inventory
    from refervid.report.intermediate import IntermediateFiles
    from refervid.report.result import Result, load_results
    from refervid.report.save import save_results


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'refervid' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
