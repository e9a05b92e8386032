"""What is found in a clip is found once, whoever asks."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from weakref import ref

import numpy as np
import pytest

from refervid.engines.lite.analysis import Analyses
from refervid.engines.once import OncePerClip
from refervid.media.array import ArrayClip


def small_clip() -> ArrayClip:
    return ArrayClip(np.random.default_rng(0).integers(0, 255, (4, 32, 40, 3), np.uint8), fps=5)


def test_two_who_ask_at_once_get_the_same() -> None:
    clip, analyses, asked, begun = small_clip(), Analyses(), Event(), Event()

    def wait(*_: object) -> None:
        begun.set()
        asked.wait()

    def ask_meanwhile() -> object:
        begun.wait()
        asked.set()
        return analyses.of(clip)

    with ThreadPoolExecutor(2) as two:
        first, second = two.submit(analyses.of, clip, wait), two.submit(ask_meanwhile)
        assert first.result() is second.result()


def test_each_key_of_each_clip_is_found_once_and_goes_with_the_clip() -> None:
    one, other, found = small_clip(), small_clip(), OncePerClip[object]()
    first = found.of(one, object)
    assert found.of(one, object) is first
    assert len({first, found.of(one, object, "dog"), found.of(other, object)}) == 3
    gone = ref(one)
    del one
    gc.collect()
    assert gone() is None


def test_what_fails_is_tried_again() -> None:
    clip, found = small_clip(), OncePerClip[object]()
    with pytest.raises(ZeroDivisionError):
        found.of(clip, lambda: 1 / 0)
    assert found.of(clip, lambda: 1) == 1
