"""What is heard, for sentences that speak of sound and sight together."""

from __future__ import annotations

import re
from collections.abc import Sequence

from refervid.engines.base import Tagger
from refervid.engines.rounds import HeardSound
from refervid.engines.segments import cut
from refervid.media.clip import Clip

TOLD = 3
"""Labels of a stretch of sound."""
MOST = 24
"""Stretches that are told, the first ones: more is no evidence."""
_SPOKEN_OF = re.compile(
    r"\b(hear|heard|sounds?|sounding|nois\w+|loud\w*|silent\w*|quiet\w*|audi\w+|voices?|"
    r"(bark|meow|ring|sing|speak|talk|shout|scream|laugh|cry|cr|play|hum|honk|beep|buzz|roar|chirp|crow|"
    r"mak|clap|knock|whistl|drum|growl|howl|squeal|hiss|thud)(s|es|ed|ing|ies|ied)?|sang|spoke)\b",
    re.IGNORECASE,
)


def speaks_of_sound(text: str) -> bool:
    """Whether a sentence may speak of something heard. Where it does not, sounds that are told do no harm."""
    return _SPOKEN_OF.search(text) is not None


def heard_sounds(clip: Clip, tagger: Tagger) -> tuple[HeardSound, ...]:
    """The clip's sound, cut where it changes, each stretch with its own labels."""
    waveform = clip.waveform()
    stretches = tagger.intervals(waveform)[:MOST]
    return tuple(HeardSound(one, tagger.tag(cut(waveform, one))[:TOLD]) for one in stretches)


def told_words(heard: Sequence[HeardSound]) -> str:
    """What the chooser is told, for a person."""
    stretches = [
        f"{one.interval.start_s:.2f} to {one.interval.end_s:.2f} s: "
        + (", ".join(label.name for label in one.labels) or "something")
        for one in heard
    ]
    return "told as heard: " + ("; ".join(stretches) or "nothing")
