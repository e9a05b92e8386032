"""Engines of other packages: registered by an entry point, or given as they are."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from inspect import signature
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from typer.testing import CliRunner

import refervid
from refervid import Pivot, Track
from refervid.cli.app import app
from refervid.core.types import Hook
from refervid.engines.best_box import BestBoxChooser, BestBoxSettings
from refervid.engines.questions import BoxChoice, BoxQuestion
from refervid.engines.registry import ENGINES, Role
from refervid.media.array import ArrayClip
from refervid.media.clip import Clip
from refervid.pipelines.segment import LoadOptions

MODULE = '''
from pydantic import Field

from refervid import Track
from refervid.engines.base import EngineSettings


class TheirSettings(EngineSettings):
    margin: int = Field(0, ge=0)


class TheirTracker:
    """Fills the first pivot's box on every frame."""

    Settings = TheirSettings
    name, version = "theirs", "7"

    def __init__(self, margin):
        self.margin = margin

    @classmethod
    def missing(cls, settings):
        return []

    @classmethod
    def build(cls, settings, runtime):
        return cls(settings.margin)

    def track(self, clip, objects, hook):
        tracks = []
        for pivots in objects:
            track = Track(len(clip), clip.height, clip.width)
            x0, y0, x1, y1 = (int(v) for v in pivots[0].box_xyxy)
            for index in range(len(clip)):
                mask = track[index].copy()
                mask[y0 - self.margin : y1 + self.margin, x0 - self.margin : x1 + self.margin] = True
                track[index] = mask
            tracks.append(track)
        return tracks
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installed distribution `their-engines` whose module is `their_engines`."""
    (tmp_path / "their_engines.py").write_text(MODULE)
    info = tmp_path / "their_engines-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-engines\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[refervid.engines]\n"
        "tracker.theirs = their_engines:TheirTracker\n"
        "tracker.gone = their_engines:Gone\n"
        "tracker.none = json:dumps\n"
        "tracker.flow = their_engines:TheirTracker\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield info
    sys.modules.pop("their_engines", None)


@pytest.fixture
def clip() -> Clip:
    frames = np.full((6, 48, 64, 3), 90, np.uint8)
    for index in range(6):
        frames[index, 10:30, 8 + index : 28 + index] = (220, 30, 30)
        frames[index, 26:40, 40:54] = (30, 60, 220)
    return ArrayClip(frames)


def test_an_engine_of_another_package_is_used_by_its_kind(package: Path, clip: Clip) -> None:
    settings = ["tracker.kind=theirs", "tracker.margin=2"]
    result = refervid.segment(clip, text="the red thing", preset="lite", device="cpu", settings=settings)
    assert result.engines["tracker"] == "theirs 7"
    x0, y0, x1, y1 = (int(v) for v in result.pivots[0].box_xyxy)
    assert (result.areas == (x1 - x0 + 4) * (y1 - y0 + 4)).all()


def test_the_command_line_knows_it_too(package: Path) -> None:
    def presets(*words: str) -> tuple[int, str]:
        ran = CliRunner().invoke(app, ["presets", "lite", "--set", *words])
        return ran.exit_code, ran.output

    code, shown = presets("tracker.kind=theirs")
    assert (code, "tracker.margin=0" in shown) == (0, True)
    code, shown = presets("tracker.kind=ours")
    kinds = ", ".join([*ENGINES["tracker"], "theirs"])
    assert (code, kinds in " ".join(shown.split())) == (2, True)


@pytest.mark.parametrize("kind", ["gone", "none"])
def test_a_package_that_does_not_hold_what_it_says(package: Path, kind: str) -> None:
    with pytest.raises(refervid.errors.SettingsError, match=f"tracker.{kind}"):
        refervid.load("lite", device="cpu", settings=[f"tracker.kind={kind}"])


def test_one_kind_in_two_packages(package: Path, tmp_path: Path) -> None:
    other = tmp_path / "other_engines-1.0.dist-info"
    other.mkdir()
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: other-engines\nVersion: 1.0\n")
    (other / "entry_points.txt").write_text("[refervid.engines]\ntracker.theirs = other_engines:Tracker\n")
    with pytest.raises(refervid.errors.SettingsError, match="remove one of the packages"):
        refervid.load("lite", device="cpu", settings=["tracker.kind=theirs"])


def test_a_package_cannot_replace_an_engine_that_comes_along(package: Path) -> None:
    assert refervid.load("lite", device="cpu").tracker.name == "embedded"


class LastBox(BestBoxChooser):
    """Takes the last candidate."""

    name = "last-box"

    def __init__(self) -> None:
        super().__init__(BestBoxSettings())

    def pick_boxes(self, questions: Sequence[BoxQuestion]) -> list[BoxChoice]:
        choices = super().pick_boxes(questions)
        return [
            BoxChoice([len(question.candidates) - 1], choice.decision)
            for question, choice in zip(questions, choices, strict=True)
        ]


def test_engines_can_be_given(clip: Clip) -> None:
    chooser = LastBox()
    pipeline = refervid.load("lite", device="cpu", chooser=chooser)
    result = pipeline(clip, text="the red thing")
    assert result.engines["chooser"] == "last-box 1"
    [decision] = [one for one in result.decisions if one.question == "box"]
    assert len(decision.candidates) > 1
    np.testing.assert_array_equal(result.pivots[0].box_xyxy, decision.candidates[-1].box_xyxy)
    # What was given is part of what a run depends on.
    assert pipeline.plan()["settings"]["chooser"] == {"given": "last-box 1"}
    assert pipeline.plan()["settings"]["tracker"] == {"kind": "embedded"}


class Anything:
    """Has the methods of every role."""

    name, version = "anything", "1"

    def __getattr__(self, name: str) -> Any:
        return self.__init__


@pytest.mark.parametrize("role", get_args(Role))
def test_an_engine_of_any_role_can_be_given(role: Role) -> None:
    """Also in those that the preset leaves empty; and `segment` takes whatever `load` takes."""
    given: Any = Anything()
    pipeline = refervid.load("lite", device="cpu", **{role: given})
    assert pipeline.plan()["settings"][role] == {"given": "anything 1"}
    options = signature(refervid.load).parameters.keys() - {"sound", "engines"}
    assert LoadOptions.__annotations__.keys() == options | set(get_args(Role))


def test_an_option_that_load_does_not_have_is_no_engine() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'divice'"):
        refervid.load("lite", divice="cpu")  # type: ignore[call-arg]


def test_what_a_preset_does_not_use_cannot_be_given() -> None:
    with pytest.raises(refervid.errors.SettingsError, match="uses no chooser: give it tracker"):
        refervid.load("soc", device="cpu", chooser=LastBox())


class Still:
    """A tracker for which nothing moves; more than this is not asked of an engine."""

    name, version = "still", "1"

    def track(self, clip: Clip, objects: Sequence[Sequence[Pivot]], hook: Hook) -> list[Track]:
        tracks = [Track(len(clip), clip.height, clip.width) for _ in objects]
        for track, pivots in zip(tracks, objects, strict=True):
            for index in range(len(clip)):
                assert pivots[0].mask is not None
                track[index] = pivots[0].mask
        return tracks

    def correct(self, clip: Clip, pivots: Sequence[Pivot], track: Track, mark: Pivot, hook: Hook) -> Track:
        return self.track(clip, [[mark]], hook)[0]


def test_a_given_tracker_tracks_what_a_network_found(clip: Clip) -> None:
    pipeline = refervid.load("soc", device="cpu", tracker=Still(), settings=["short=64", "long=96"])
    result = pipeline(clip, text="the red square")
    assert result.engines["tracker"] == "still 1"
    assert (result.masks == result.pivots[0].mask).all()


@pytest.mark.parametrize(
    ("role", "given", "said"),
    [
        ("tracker", 3, "tracker=3 is no tracker: it lacks name, version, track, correct, which "),
        ("tracker", LastBox(), "it lacks track, correct, which refervid.engines.base.Tracker asks for"),
        ("reader", Still(), "it lacks concepts, which refervid.engines.rounds.Reader asks for"),
        ("tracker", Still, "tracker=Still is a class: give an object of it"),
    ],
)
def test_what_is_no_engine_of_its_role_is_refused_when_loading(role: Role, given: Any, said: str) -> None:
    with pytest.raises(refervid.errors.SettingsError, match=said):
        refervid.load("lite", device="cpu", **{role: given})
