"""How often the chain asks and computes: nothing twice, everything that can be shared is shared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import refervid
from refervid.core.types import Reference, SoundReference, TextReference
from refervid.media.clip import Clip
from tests.chat_server import serving
from tests.pipelines.counting import counting
from tests.pipelines.parts import FRAMES, Parts, moving_clip, sounding_clip
from tests.pipelines.questions import kind_of, kinds_asked, picture_of, replying, text_of

TEXTS = ["the red dog", "a cup on the left", "that blue cup"]
SECTIONS = 2


def run(
    preset: str, parts: Parts, url: str, clip: Clip, references: list[Reference], *changes: str
) -> dict[str, int]:
    pipeline = refervid.load(preset, device="cpu", settings=[*parts.settings(preset, url), *changes])
    with counting() as runs:
        assert all(result.status in ("ok", "guess") for result in pipeline.run(clip, references))
    return dict(runs)


@pytest.mark.parametrize("preset", ["local", "paper"])
def test_sentences_of_a_clip(preset: str, parts: Parts) -> None:
    """E' distinct texts, S sections: E' S questions each, one detector run per text and pivot frame, its
    backbone once per frame, SAM 2's encoder once per frame of the clip.
    """
    references: list[Reference] = [TextReference(text) for text in [*TEXTS, TEXTS[0]]]
    with serving(replying()) as (server, url):
        runs = run(preset, parts, url, moving_clip(), references)
    assert kinds_asked(server) == {"frame": len(TEXTS) * SECTIONS, "box": len(TEXTS) * SECTIONS}
    pictures = {picture_of(body) for body in server.requests if kind_of(body) == "frame"}
    assert len(pictures) == SECTIONS  # drawn once for all sentences
    pivot_frames = SECTIONS
    # The published box-to-mask step prepares its picture differently: one run more per pivot frame.
    as_published = pivot_frames if preset == "paper" else 0
    assert runs == {
        "detector frames": pivot_frames,
        "detector texts": len(TEXTS) * pivot_frames,
        "detector runs": len(TEXTS) * pivot_frames,
        "SAM 2 frames": FRAMES + as_published,
    }


@pytest.mark.parametrize("preset", ["local", "paper"])
def test_sentences_with_different_pivots(preset: str, parts: Parts) -> None:
    def frame(body: dict[str, object]) -> int:
        return 1 + (TEXTS[0] in text_of(body))

    references: list[Reference] = [TextReference(text) for text in TEXTS]
    with serving(replying(frame=frame)) as (_, url):
        runs = run(preset, parts, url, moving_clip(), references)
    assert runs["detector frames"] == 4  # frames 0, 2, 10, 12
    assert runs["detector runs"] == len(TEXTS) * SECTIONS
    assert runs["SAM 2 frames"] == FRAMES + (4 if preset == "paper" else 0)


@pytest.mark.parametrize(("preset", "frames"), [("paper", 3), ("local", 2)])
def test_fallbacks_reuse_what_the_detector_saw(preset: str, frames: int, parts: Parts) -> None:
    """`paper` guesses on the first frame, `local` on those picked, which the detector knows."""
    references: list[Reference] = [TextReference(text) for text in TEXTS]
    with serving(replying(box=-1)) as (server, url):
        runs = run(preset, parts, url, moving_clip(), references)
    assert runs["detector frames"] == frames
    assert runs["detector runs"] == len(TEXTS) * frames
    assert kinds_asked(server)["box"] == len(TEXTS) * SECTIONS


def test_the_fast_preset_looks_at_one_frame(parts: Parts) -> None:
    runs = run("fast", parts, "", moving_clip(), [TextReference(text) for text in TEXTS])
    assert runs == {
        "detector frames": 1,
        "detector texts": len(TEXTS),
        "detector runs": len(TEXTS),
        "SAM 2 frames": FRAMES,
    }


@pytest.fixture
def three_intervals(tmp_path: Path) -> str:
    file = tmp_path / "intervals.json"
    file.write_text(json.dumps({"square": [[0, 2], [2, 3], [3, 6]]}))
    return f"tagger.interval_file={file}"


@pytest.mark.parametrize("preset", ["local", "paper"])
def test_sound(preset: str, parts: Parts, tmp_path: Path, three_intervals: str) -> None:
    """Each checkpoint hears the sound once; names are compared once in every combination, intervals once."""
    names = {"dog": 2, "man": 2, "cup": 5}
    with serving(replying(objects=names)) as (server, url):
        runs = run(preset, parts, url, sounding_clip(tmp_path), [SoundReference()] * 2, three_intervals)
    assert kinds_asked(server) == {"objects": 1, "sounding": 3}
    assert runs == {
        "BEATs sounds": 2,
        "LanguageBind sounds": 3,
        "LanguageBind texts": 7,
        "detector frames": 2,
        "detector texts": 3,
        "detector runs": 3,
        "SAM 2 frames": FRAMES + (2 if preset == "paper" else 0),
    }


def test_one_object_needs_no_binder(parts: Parts, tmp_path: Path, three_intervals: str) -> None:
    with serving(replying(objects={"dog": 2})) as (_, url):
        runs = run("paper", parts, url, sounding_clip(tmp_path), [SoundReference()], three_intervals)
    assert not [name for name in runs if name.startswith("LanguageBind")]


def test_intervals_by_the_tagger_s_own_network(parts: Parts, tmp_path: Path) -> None:
    with serving(replying(objects={"dog": 2})) as (_, url):
        runs = run("paper", parts, url, sounding_clip(tmp_path), [SoundReference()])
    assert runs["BEATs sounds"] == 2 + 6  # two checkpoints, and a window per second


def test_texts_and_sound_share_frames_and_answers(parts: Parts, tmp_path: Path) -> None:
    """The name of a sounding object is looked for like a sentence: what is known is not run again."""
    references = [TextReference("dog"), SoundReference()]
    with serving(replying(objects={"dog": 1, "man": 1}, frame=1)) as (_, url):
        runs = run("local", parts, url, sounding_clip(tmp_path, 4), references, "sound.frames=4")
    assert runs["detector frames"] == 1
    assert runs["detector runs"] == 2
    assert runs["SAM 2 frames"] == 4


def test_a_second_run_asks_nobody(parts: Parts, tmp_path: Path) -> None:
    references = [*map(TextReference, TEXTS), SoundReference()]
    with serving(replying()) as (server, url):
        for _ in range(2):
            run("paper", parts, url, sounding_clip(tmp_path), references)
        asked = [json.dumps(body, sort_keys=True) for body in server.requests]
    assert len(asked) == len(set(asked)) == 2 * len(TEXTS) * SECTIONS + 3
