"""What the page says when something goes wrong: plain words, no paths, no options of the command line."""

from __future__ import annotations

import re

from refervid.core.errors import (
    EmptyClip,
    MediaNotFound,
    MediaTooLarge,
    NoAudioStream,
    NoVideoStream,
    RefervidError,
    UnreadableMedia,
)
from refervid.pipelines.presets import PRESETS

_PATH = re.compile(r"(?<![\w:/.])/(?:[^\s/'\"`]+/)+")
"""The folders of an absolute path; addresses on the web are left alone."""

_OPTION = re.compile(r"; or [^;()]*--set [^;()]*")

_BY_KIND: dict[type[RefervidError], str] = {
    MediaNotFound: "The file is not there any more. Upload it again.",
    UnreadableMedia: "This file cannot be read as a video: it is damaged, or something else.",
    EmptyClip: "There is not one readable picture in this video.",
    NoVideoStream: "This file has no moving pictures, only sound. Choose a video.",
    NoAudioStream: "This clip has no sound, so nothing can be found by its sound. "
    "Clear the tick at “What makes the sound”, or choose a clip with sound.",
}


_PRESETS = {
    "lite": "small networks and rules that come with refervid",
    "fast": "a detector's surest box, tracked through the clip",
    "local": "a language model on this machine chooses, SAM 2.1 tracks",
    "agent": "follows everything of the named kind, then a language model eliminates",
    "paper": "AL-Ref-SAM 2 as published, with a language model elsewhere",
    "soc": "one network for sentences; the small one knows toy shapes",
}


def about_preset(name: str) -> str:
    """What a preset is, to someone who chooses one on the page."""
    return _PRESETS.get(name) or PRESETS[name].about


def plain_words(error: Exception) -> str:
    """One or two sentences for a person."""
    if type(error) in _BY_KIND:
        return _BY_KIND[type(error)]  # type: ignore[index]
    if isinstance(error, MediaTooLarge):
        # What follows is about options that the page does not have.
        return without_paths(str(error).partition(";")[0]) + ". Use a smaller or shorter clip."
    if isinstance(error, RefervidError):
        return without_paths(str(error))
    return (
        "Something went wrong that refervid did not expect "
        f"({type(error).__name__}). The terminal that runs this page says more."
    )


def lack_words(lack: str) -> str:
    """What a preset lacks on this machine, without the ways that only the command line has."""
    return without_paths(_OPTION.sub("", lack))


def without_paths(text: str) -> str:
    """`text` with absolute paths cut to their last name, and a capital where it begins with a word."""
    short = _PATH.sub("", text)
    first = short.partition(" ")[0]
    return short if text.startswith("/") or "." in first else short[:1].upper() + short[1:]
