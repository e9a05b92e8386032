"""The thing whose motion goes with the sound, or none."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import pytest
from numpy.typing import NDArray

from refervid.core.types import Candidate, Interval, Waveform
from refervid.engines.lite.analysis import Scene
from refervid.engines.lite.analysis.sound import envelopes, stretches
from refervid.engines.lite.chooser import RulesChooser, RulesSettings
from refervid.engines.lite.chooser.point_tracks import PointTracks
from refervid.engines.lite.chooser.region import Region
from refervid.engines.lite.chooser.sounding import Source, sounding_regions
from refervid.engines.lite.chooser.synchrony import synchrony
from refervid.engines.questions import SoundQuestion
from refervid.media.sections import Section
from tests.engines.lite.chooser.shapes import Path, Shape, ShapesClip, go, stay

RATE = 16_000
SECONDS = 5.0


def bouncing(x: float, hits: Sequence[float], floor: float = 190.0, gravity: float = 500.0) -> Path:
    """Falls to the floor at every time in `hits`, in free flight between."""

    def path(time: float) -> tuple[float, float]:
        edges = [hits[0] - (hits[1] - hits[0]), *hits, hits[-1] + (hits[-1] - hits[-2])]
        number = int(np.searchsorted(edges, time, side="right")) - 1
        start, end = edges[number], edges[number + 1]
        return x, floor - gravity / 2 * (time - start) * (end - time)

    return path


def knocks(times: Sequence[float], seconds: float = SECONDS, delay: float = 0.0) -> NDArray[np.float32]:
    """Short decaying bursts at the given times."""
    rng = np.random.default_rng(1)
    samples = np.zeros(round(seconds * RATE), np.float32)
    burst = rng.normal(size=RATE // 10) * np.exp(-np.arange(RATE // 10) / 300)
    for time in times:
        start = round((time + delay) * RATE)
        length = min(len(burst), len(samples) - start)
        if length > 0:
            samples[start : start + length] += 0.3 * burst[:length].astype(np.float32)
    return np.clip(samples, -1, 1)


LEFT_HITS = (0.5, 1.2, 1.7, 2.6, 3.1, 3.5, 4.4, 4.9)
RIGHT_HITS = (0.3, 0.9, 1.5, 2.1, 2.7, 3.3, 3.9, 4.5)


@pytest.fixture(scope="module")
def balls() -> ShapesClip:
    return ShapesClip(
        [
            Shape("left", "red", bouncing(90, LEFT_HITS), 34, 34, round=True),
            Shape("right", "blue", bouncing(280, RIGHT_HITS), 34, 34, round=True),
            Shape("glider", "green", go(20, 30, 350, 30, SECONDS), 40, 24),
        ],
        seconds=SECONDS,
    )


@lru_cache(1)
def scene_of(clip: ShapesClip) -> Scene:
    """The motion in a clip, which is the same for every sound."""
    return Scene(clip)


def sounding(clip: ShapesClip, samples: NDArray[np.float32], *more: Candidate) -> list[str]:
    frame = len(clip) // 2
    candidates = [*clip.candidates(frame), *more]
    regions = [Region(scene_of(clip), frame, candidate) for candidate in candidates]
    waveform = Waveform(samples, RATE)
    sources, _ = sounding_regions(regions, envelopes(waveform), stretches(waveform))
    names = [*(shape.name for shape in clip.shapes), *(candidate.phrase for candidate in more)]
    return [names[regions.index(source.region)] for source in sources]


@pytest.mark.parametrize("delay", [0.0, 0.1, -0.1])
def test_the_ball_that_is_heard(balls: ShapesClip, delay: float) -> None:
    assert sounding(balls, knocks(LEFT_HITS, delay=delay)) == ["left"]
    assert sounding(balls, knocks(RIGHT_HITS, delay=delay)) == ["right"]


def test_both_balls(balls: ShapesClip) -> None:
    assert sorted(sounding(balls, knocks([*LEFT_HITS, *RIGHT_HITS]))) == ["left", "right"]


def test_one_of_two_things_that_were_proposed_as_one(balls: ShapesClip) -> None:
    left, right = balls.candidates(len(balls) // 2)[:2]
    assert left.mask is not None
    assert right.mask is not None
    low, high = (np.stack([left.box_xyxy, right.box_xyxy])[:, half] for half in (np.s_[:2], np.s_[2:]))
    box = np.concatenate([low.min(axis=0), high.max(axis=0)])
    both = Candidate(box, 0.9, "both", left.mask | right.mask)
    assert sounding(balls, knocks(LEFT_HITS), both) == ["left"]
    assert sounding(balls, knocks(RIGHT_HITS), both) == ["right"]


@pytest.mark.parametrize("seed", range(6))
def test_knocks_of_something_else(balls: ShapesClip, seed: int) -> None:
    times = np.sort(np.random.default_rng(seed).uniform(0, SECONDS, 8))
    assert sounding(balls, knocks(times.tolist())) == []


@pytest.mark.parametrize("seed", range(6))
def test_unrelated_noise_and_babble(balls: ShapesClip, seed: int) -> None:
    rng = np.random.default_rng(seed)
    noise = 0.1 * rng.normal(size=round(SECONDS * RATE)).astype(np.float32)
    assert sounding(balls, noise) == []
    # Four syllables a second, uneven, as in speech.
    loudness = np.interp(np.arange(len(noise)), np.linspace(0, len(noise), 40), rng.uniform(0, 1, 40))
    assert sounding(balls, (noise * loudness**2).astype(np.float32)) == []


def test_a_steady_tone_goes_with_nothing(balls: ShapesClip) -> None:
    tone = 0.3 * np.sin(2 * np.pi * 300 * np.arange(round(SECONDS * RATE)) / RATE)
    assert sounding(balls, tone.astype(np.float32)) == []


@pytest.mark.parametrize(
    ("seconds", "moving", "samples", "reason"),
    [
        (1.2, True, knocks(LEFT_HITS, 1.2), "less than 1.5 s are both seen and heard, too short to compare"),
        (3.0, True, knocks(LEFT_HITS, 1.0), "less than 1.5 s are both seen and heard, too short to compare"),
        (3.0, True, np.tile(np.float32([0.3, -0.3]), 24_000), "the sound is too even to compare"),
        (3.0, True, knocks([0.35, 0.8, 2.2], 3.0), "deviations above chance"),
        (3.0, False, knocks(LEFT_HITS, 3.0), "nothing moves as a whole"),
        (3.0, True, np.zeros(48_000, np.float32), "the sound is silent"),
    ],
)
def test_it_is_said_why_nothing_sounds(
    seconds: float, moving: bool, samples: NDArray[np.float32], reason: str
) -> None:
    path = bouncing(90, LEFT_HITS) if moving else stay(90, 100)
    clip = ShapesClip([Shape("ball", "red", path, 34, 34, round=True)], seconds=seconds, sound=samples)
    section = Section(clip, 0, (len(clip) // 2,))
    choice = RulesChooser(RulesSettings()).sounding_objects(SoundQuestion(section, clip.waveform(), ()))
    assert not choice.objects
    [note] = choice.notes
    assert reason in note
    assert note.endswith("at best") == ("chance" in reason)
    # What was not compared is no reason to be sure that nothing makes the sound.
    assert (choice.decision.source == "fallback") == ("to compare" in reason)


def test_a_foreign_sound_is_no_likelier_to_fit_than_is_said(balls: ShapesClip) -> None:
    """Though the best of several comparisons is taken."""
    frame = len(balls) // 2
    regions = [Region(scene_of(balls), frame, candidate) for candidate in balls.candidates(frame)]
    point_track = PointTracks(regions)[regions[0]]
    rng = np.random.default_rng(0)
    chances = []
    for _ in range(100):
        sound = envelopes(Waveform(knocks(rng.uniform(0, SECONDS - 0.2, 8).tolist()), RATE))
        reason = synchrony(point_track, sound, Interval(0, SECONDS))
        chances.append(Source(regions[0], reasons=[reason]).chance)
    for said in (0.05, 0.1, 0.2):
        assert np.mean(np.array(chances) <= said) <= said


def test_things_that_sound_one_after_the_other() -> None:
    """A ball bounces and knocks, then lies still while a car drives in and hums as loud as it is fast."""
    hits = (0.4, 1.0, 1.5, 1.9, 2.2)

    def ball(time: float) -> tuple[float, float]:
        return bouncing(80, hits)(min(time, hits[-1]))

    def car(time: float) -> tuple[float, float]:
        return 330 - 110 * np.clip(time - 2.8, 0, 2) + 18 * np.sin(3 * np.clip(time - 2.8, 0, 2)), 60

    clip = ShapesClip(
        [Shape("ball", "red", ball, 34, 34, round=True), Shape("car", "blue", car, 60, 30)], seconds=SECONDS
    )
    time = np.arange(round(SECONDS * RATE)) / RATE
    speed = np.abs(np.gradient([car(each)[0] for each in time[::160]]))
    hum = np.interp(time, time[::160], speed / speed.max()) * np.sin(2 * np.pi * 110 * time)
    samples = knocks(hits) + 0.3 * hum.astype(np.float32)
    waveform = Waveform(samples, RATE)
    scene, frame = Scene(clip), 60
    regions = [Region(scene, frame, candidate) for candidate in clip.candidates(frame)]
    sources, _ = sounding_regions(regions, envelopes(waveform), stretches(waveform))
    heard = {clip.shapes[regions.index(source.region)].name: source.spans for source in sources}
    assert sorted(heard) == ["ball", "car"]
    assert heard["ball"][0].start_s < 0.6
    assert heard["ball"][-1].end_s < 2.8
    assert heard["car"][0].start_s == pytest.approx(2.8, abs=0.4)
    assert heard["car"][-1].end_s == pytest.approx(4.8, abs=0.4)
