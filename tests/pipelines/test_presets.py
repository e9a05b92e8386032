"""Presets and how `--set` changes them; `paper` against the settings of the published code."""

from __future__ import annotations

from pathlib import Path

import pytest

from refervid.config.overrides import override
from refervid.core.errors import SettingsError
from refervid.engines.registry import engine_settings
from refervid.pipelines.pivot.settings import PivotSettings
from refervid.pipelines.presets import PRESETS, lacks_of, load, missing_for
from tests.pipelines.parts import Parts

PUBLISHED = {
    "sections.frame_step": 10,
    "sections.frames_per_section": 5,
    "sections.minimum_frames": 2,
    "sections.style.columns": 1,
    "sections.style.frame_width": 500,
    "sections.style.jpeg_quality": 75,
    "sections.style.unit": "frame",
    "sections.style.number_offset": 50,
    "sections.style.number_radius": 35,
    "sections.style.label_radius": 25,
    "text.candidates": 3,
    "text.clip_boxes": False,
    "text.fallback": "first_frame",
    "chooser.model": "gpt-6.1-sol",
    "chooser.prompts": "paper",
    "chooser.correct": False,
    "chooser.frame_detail": None,
    "chooser.box_detail": "high",
    "chooser.form": "brackets",
    "chooser.several": False,
    "chooser.temperature": None,
    "chooser.seed": None,
    "chooser.max_tokens": None,
    "detector.box_threshold": 0.25,
    "detector.text_threshold": 0.2,
    "detector.last_resort_text_threshold": 0.1,
    "detector.short_side": 800,
    "detector.long_side": 1333,
    "chooser.base_url": "https://api.openai.com/v1",
    "detector.kind": "grounding-dino",
    "tracker.kind": "sam2",
    "tracker.weights": "facebook/sam2-hiera-large",
    "tracker.box_pixels": "picture",
    "tracker.pivots_seen": None,
    "tracker.keep_logits": False,  # but for Ref-DAVIS17
    "text.agreement": False,
    "text.check": False,
    "sound.frames": 10,
    "sound.max_objects": None,
    "sound.last_goes_on": True,
    "sound.style.columns": 5,
    "sound.style.frame_width": 500,
    "sound.style.jpeg_quality": 75,
    "sound.style.unit": "frame",
    "sound.style.number_offset": 50,
    "sound.style.number_radius": 40,
    "sound.style.label_radius": 30,
    "sound.style.edge": 0,
    "tagger.kind": "beats",
    "tagger.weights": (
        "BEATs_iter3_plus_AS20K_finetuned_on_AS2M_cpt2.pt",
        "BEATs_iter3_plus_AS2M_finetuned_on_AS2M_cpt2.pt",
    ),
    "tagger.top": 5,
    "tagger.intervals": "yamnet",
    "tagger.features": "scores",
    "tagger.threshold": 0.5,
    "tagger.silence_db": None,
    "binder.kind": "languagebind",
    "binder.weights": "LanguageBind/LanguageBind_Audio_FT",
    "binder.joiner": ", ",
    "binder.aliases": {"dog": "dog barking", "cat": "cat meow", "gun": "gun shot"},
}
"""AL-Ref-SAM 2 (github.com/appletea233/AL-Ref-SAM2): options and constants of the `ytvos` scripts."""


def _paper() -> dict[str, object]:
    settings = PivotSettings.model_validate(PRESETS["paper"].settings)
    content = settings.model_dump()
    for role in ("chooser", "detector", "tracker", "tagger", "binder"):
        content[role] = engine_settings(role, content[role]).model_dump()
    return content


@pytest.mark.parametrize("name", PUBLISHED)
def test_paper_original_vs_ours(name: str) -> None:
    value: object = _paper()
    for part in name.split("."):
        assert isinstance(value, dict)
        value = value[part]
    assert value == PUBLISHED[name]


def test_points_are_100_dpi() -> None:
    style = PivotSettings.model_validate(PRESETS["paper"].settings).sections.style
    point = 100 / 72
    assert style.number_text == pytest.approx(15 * point)
    assert style.label_text == pytest.approx(12 * point)
    assert style.box_line == pytest.approx(3 * point)
    assert style.rim == pytest.approx(2 * point)


def test_changes_by_name() -> None:
    settings = {"text": {"candidates": 3}, "tracker": {"kind": "sam2", "weights": "w"}}
    changed = override(settings, ["text.candidates=5", "sections.frame_step=2", "tracker.kind=embedded"])
    assert changed == {
        "text": {"candidates": 5},
        "sections": {"frame_step": 2},
        "tracker": {"kind": "embedded"},  # what belonged to the other engine is gone
    }
    assert settings["text"] == {"candidates": 3}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("nonsense", "name=value"),
        ("=3", "name=value"),
        ("text.candidates=many", "valid integer"),
        ("text.candidates=0", "greater than or equal to 1"),
        ("text.candidates=[1, 2", "cannot be read as YAML; put it in quotes"),
        ("text.colour=3", "choose among candidates"),
        ("text=3", "group of settings; choose among candidates"),
        ("tracker=3", "group of settings; each is changed by its full name"),
        ("chooser.kind=x", "choose one of"),
        ("tracker.kind=", "'tracker.kind': its value is missing; write tracker.kind=VALUE"),
        ("tracker.kind=null", "tracker.kind is missing: choose one of embedded, sam2"),
        ("tracker.speed=9", "speed"),
        ("sections.style.box_line=inf", "finite number"),
    ],
)
def test_changes_that_make_no_sense(change: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load("lite", device="cpu", settings=[change])


def test_unknown_presets_name_the_known_ones() -> None:
    with pytest.raises(SettingsError, match="lite"):
        load("heavy")


def test_what_sound_needs_does_not_keep_sentences_from_a_preset(parts: Parts) -> None:
    changes = [*parts.settings("fast"), "tagger.weights=[/nowhere/a.pt]", "binder.weights=/nowhere/b"]
    assert len(missing_for("fast", changes)) == 2
    assert missing_for("fast", changes, sound=False) == []
    assert len(missing_for("fast", [*changes, "sound.bind=false"])) == 1
    assert len(missing_for("fast", [*changes, "namer.kind=languagebind", "namer.weights=/nowhere/c"])) == 3


def test_paper_without_yamnet_lacks_something_and_others_do_not(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REFERVID_WEIGHTS", str(tmp_path))
    changes = [
        change
        for change in parts.settings("fast")
        if not change.startswith("tagger.intervals") and ".kind=" not in change
    ]
    assert any("yamnet.h5" in lack for lack in lacks_of("paper", changes).for_sound)
    assert not any("yamnet.h5" in lack for lack in lacks_of("local", changes).for_sound)
