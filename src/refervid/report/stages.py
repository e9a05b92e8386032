"""What is being done, and what took how long: the stages of the work in words for a person."""

from __future__ import annotations

_STAGES = {
    "render": "Drawing the demo clip",
    "prepare": "Getting the engines ready",
    "read": "Reading what is asked for",
    "inventory": "Looking for things",
    "objects": "Recognising things",
    "unnamed": "Looking for what has no name",
    "eliminate": "Judging which are meant",
    "motion": "Looking at what moves",
    "evidence": "Telling what moves from the camera",
    "choose frames": "Choosing frames",
    "listen": "Listening",
    "choose objects": "Asking what makes the sound",
    "propose": "Proposing candidates",
    "choose boxes": "Choosing among them",
    "segment": "Segmenting",
    "track": "Tracking through the clip",
    "check": "Checking what was found",
    "overlay": "Drawing the overlay",
    "pack": "Packing",
}


def stage_words(stage: str) -> str:
    """What is being done; the stage's own name where it is of an engine from elsewhere."""
    if stage.startswith("round "):
        return f"{stage.capitalize()}: judging which are meant"
    return _STAGES.get(stage, stage)
