"""Named choices of engines, and how a name becomes a pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Unpack, cast, get_args

from refervid.config.environment import Environment
from refervid.config.overrides import by_full_name, override
from refervid.config.problems import checked
from refervid.core.arguments import did_you_mean, need_number, need_word, need_words
from refervid.core.device import resolve_device
from refervid.core.errors import SettingsError
from refervid.engines.base import Dtype, Engine, Runtime
from refervid.engines.hub.checkpoints import weights_in
from refervid.engines.registry import Role, engine_settings
from refervid.media.sections import PAPER, PAPER_SOUND
from refervid.models.soc.shipped import SHIPPED
from refervid.pipelines.base import Pipeline
from refervid.pipelines.engine_set import PROTOCOLS, GivenEngines
from refervid.pipelines.pivot.pipeline import PivotPipeline, lacking, sound_roles
from refervid.pipelines.pivot.settings import TRANSCRIBER, PivotSettings
from refervid.pipelines.soc import SocPipeline, SocSettings
from refervid.pipelines.tracks.pipeline import TracksPipeline


@dataclass(frozen=True)
class Preset:
    """`needs` says in words what must be there; `settings` is what `--set` starts from; `dtype` is what
    networks compute in (published scripts: float32).
    """

    name: str
    about: str
    needs: str
    settings: Mapping[str, Any]
    dtype: Dtype = "auto"


PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "lite",
            "embedded: things found by small networks, by motion and by colour; attribute rules over whole "
            "tracks, an embedded tracker, sound-motion synchrony",
            "nothing",
            {
                "pipeline": "tracks",
                "finder": {"kind": "objects"},
                "text": {"candidates": 12},
                "chooser": {"kind": "rules"},
                "detector": {"kind": "motion"},
                "tracker": {"kind": "embedded"},
                "tagger": {"kind": "energy"},
                "binder": {"kind": "synchrony"},
            },
        ),
        Preset(
            "fast",
            "Grounding DINO tiny's best box on the middle frame, SAM 2.1 tiny; sound by AST and CLAP",
            "weights",
            {
                "pipeline": "pivot",
                "chooser": {"kind": "best-box"},
                "detector": {"kind": "grounding-dino", "weights": "IDEA-Research/grounding-dino-tiny"},
                # All of it comes from the hub, by one `refervid models pull --preset fast`.
                "tracker": {"kind": "sam2", "weights": "facebook/sam2.1-hiera-tiny"},
                "tagger": {"kind": "ast"},
                "binder": {"kind": "clap"},
            },
        ),
        Preset(
            "local",
            "a vision-language model on this machine, Grounding DINO, SAM 2.1 small, BEATs, LanguageBind",
            "weights, and a local server (or --set chooser.kind=local)",
            {
                "pipeline": "pivot",
                # The check: only the result shows that the tracker went astray, and asking is free here.
                "text": {"candidates": 5, "fallback": "picked_frames", "check": True},
                "chooser": {"kind": "server"},
                "detector": {"kind": "grounding-dino", "weights": "IDEA-Research/grounding-dino-base"},
                "tracker": {"kind": "sam2", "weights": "facebook/sam2.1-hiera-small"},
                "tagger": {"kind": "beats"},
                "binder": {"kind": "languagebind"},
            },
        ),
        Preset(
            "paper",
            "AL-Ref-SAM 2 as published",
            "weights, an API key, and --allow-remote",
            {
                "pipeline": "pivot",
                "sections": {
                    "frame_step": 10,
                    "frames_per_section": 5,
                    "minimum_frames": 2,
                    "style": PAPER.model_dump(),
                },
                "text": {
                    "candidates": 3,
                    "clip_boxes": False,
                    "fallback": "first_frame",
                    "agreement": False,
                    "check": False,
                },
                "sound": {"style": PAPER_SOUND.model_dump(), "last_goes_on": True},
                "chooser": {
                    "kind": "server",
                    "base_url": "https://api.openai.com/v1",
                    # The published models are not served any more; their provider names this one instead.
                    "model": "gpt-6.1-sol",
                    "box_detail": "high",
                    "prompts": "paper",
                    "correct": False,
                    "form": "brackets",
                    "several": False,
                    "temperature": None,
                    "seed": None,
                    "probe": False,
                },
                "detector": {
                    "kind": "grounding-dino",
                    "weights": "IDEA-Research/grounding-dino-base",
                    "box_threshold": 0.25,
                    "text_threshold": 0.2,
                },
                "tracker": {
                    "kind": "sam2",
                    "weights": "facebook/sam2-hiera-large",
                    "box_pixels": "picture",
                    "pivots_seen": None,
                },
                "tagger": {"kind": "beats", "intervals": "yamnet", "silence_db": None},
                "binder": {"kind": "languagebind"},
            },
            "float32",
        ),
        Preset(
            "agent",
            "SAM 3 follows everything of the named kinds through the clip, then a language model eliminates "
            "in rounds, by what each thing is and does",
            "weights (gated), and a local server (or --set chooser.kind=local)",
            {
                "pipeline": "tracks",
                "finder": {"kind": "sam3"},
                "text": {"candidates": 12, "check": True},
                "chooser": {"kind": "server"},
                "detector": {"kind": "grounding-dino", "weights": "IDEA-Research/grounding-dino-base"},
                "tracker": {"kind": "sam3"},
                "tagger": {"kind": "beats"},
                "binder": {"kind": "languagebind"},
            },
        ),
        Preset(
            "soc",
            "the SOC network, trained on sentences with masks: by default the small one that comes with "
            "refervid and knows toy shapes; others with --set weights=FILE",
            "nothing, or the checkpoint that is named",
            {"pipeline": "soc", "weights": SHIPPED},
            "float32",
        ),
    )
}

AUTO_ORDER = ("local", "fast", "lite")
"""Presets that `auto` tries, best first. Never one that costs money or sends data away, nor `agent`, which
nobody has measured with published weights yet."""


@dataclass(frozen=True)
class Lacks:
    """What this machine lacks for a preset, in words: for everything, for sound, for names of things."""

    always: list[str]
    for_sound: list[str]
    for_names: list[str]

    @property
    def messages(self) -> list[str]:
        """All of it, with "for sound: " before what sentences do not need, and "for names of things: " before
        that without which the preset still runs.
        """
        more = {"sound": self.for_sound, "names of things": self.for_names}
        return self.always + [f"for {what}: {lack}" for what, lacks in more.items() for lack in lacks]


def lacks_of(name: str, overrides: Sequence[str] = ()) -> Lacks:
    """Raises `SettingsError` for an unknown preset or setting."""
    settings = _settings(name, overrides)
    if isinstance(settings, SocSettings):
        return Lacks(settings.missing(), [], [])
    always = dict.fromkeys(lacking(settings, _pipeline_class(settings).text_roles(settings)))
    beside = [dict.fromkeys(lacking(settings, roles)) for roles in (sound_roles(settings), ("finder",))]
    return Lacks([*always], *([lack for lack in lacks if lack not in always] for lacks in beside))


def checkpoints_of(name: str) -> list[str]:
    """The checkpoints of a preset, also those that are here. Raises `SettingsError` for an unknown preset."""
    if name not in PRESETS:
        raise _no_preset(name, [*PRESETS])
    options = PRESETS[name].settings
    engines = [engine_settings(role, options[role]) for role in get_args(Role) if role in options]
    return [checkpoint for engine in engines for checkpoint in weights_in(engine)]


def missing_for(name: str, overrides: Sequence[str] = (), *, sound: bool = True) -> list[str]:
    """What this machine lacks for a preset, in words; without `sound`, for sentences alone."""
    return list(dict.fromkeys(_missing(name, overrides, sound)))


def best_preset(*, sound: bool = True) -> str:
    """The name that `auto` stands for on this machine; without `sound`, for sentences alone."""
    return next(name for name in AUTO_ORDER if not any(_missing(name, (), sound)))


def _missing(name: str, overrides: Sequence[str], sound: bool) -> Iterable[str]:
    settings = _settings(name, overrides)
    if isinstance(settings, SocSettings):
        return settings.missing()
    roles = _pipeline_class(settings).text_roles(settings)
    return lacking(settings, (*roles, *(sound_roles(settings) if sound else ())))


def load(
    preset: str = "auto",
    *,
    device: str = "auto",
    dtype: Dtype = "auto",
    allow_remote: bool = False,
    max_cost: float | None = None,
    settings: Sequence[str] = (),
    remember: bool = True,
    sound: bool = True,
    **engines: Unpack[GivenEngines],
) -> Pipeline:
    """A ready pipeline. `settings` are changes to the preset in the form "tracker.kind=edgetam".

    Engines of your own take the place of the preset's, each by its role: `chooser`, `detector`, `tracker`,
    `tagger`, `binder`, `namer`, `finder`, `reader` or `transcriber`, any object that fulfils the protocol of
    that name in `refervid.engines.base` (of a reader in `refervid.engines.rounds`).
    Without `sound`, `auto` may choose a preset that lacks on this machine what sound needs. `allow_remote`
    permits questions to a server that is not this machine. `max_cost` in US dollars is what may be spent on a
    language model as long as the pipeline lives; questions beyond it fail with `BudgetExceeded`.
    With `remember` the embedded engines keep what they find in a clip in the cache folder, where other
    processes find it (2 GiB of clips at most).
    With `dtype` "auto" networks compute in what the preset says: float32 in `paper` and `soc`, elsewhere
    bfloat16 on GPUs that have it.

    Raises `SettingsError` for an unknown preset or setting, `DeviceError` for a device that is not
    there, `MissingWeights` or `MissingExtra` when an engine is built that lacks something.

    >>> refervid.load("lite", device="cpu", settings=["text.candidates=5"]).preset
    'lite'
    """
    if unknown := engines.keys() - PROTOCOLS.keys():
        raise TypeError(f"load() got an unexpected keyword argument {min(unknown)!r}")
    need_word("preset", preset)
    need_words("settings", settings)
    if max_cost is not None:
        need_number("max_cost", max_cost, 0)
    if dtype not in get_args(Dtype):
        raise SettingsError(f"dtype={dtype!r:.60}: choose one of {', '.join(get_args(Dtype))}")
    name = best_preset(sound=sound) if preset == "auto" else preset
    chosen = _settings(name, settings)
    computed = PRESETS[name].dtype if dtype == "auto" else dtype
    runtime = Runtime(
        resolve_device(device)[0], computed, allow_remote, Environment().cache, max_cost, remember
    )
    given = cast(dict[Role, Engine], {role: engine for role, engine in engines.items() if engine is not None})
    if isinstance(chosen, SocSettings):
        return SocPipeline(name, chosen, runtime, given)
    return _pipeline_class(chosen)(name, chosen, runtime, given)


def _pipeline_class(settings: PivotSettings) -> type[PivotPipeline]:
    return TracksPipeline if settings.pipeline == "tracks" else PivotPipeline


def _no_preset(name: str, known: Sequence[str]) -> SettingsError:
    return SettingsError(f"no preset {name!r}{did_you_mean(name, known)}: choose one of {', '.join(known)}")


def _settings(name: str, overrides: Sequence[str]) -> PivotSettings | SocSettings:
    if name not in PRESETS:
        raise _no_preset(name, ["auto", *PRESETS])
    start = PRESETS[name].settings
    if start["pipeline"] != "soc":  # so that its own settings can be changed without naming the kind
        start = {"transcriber": TRANSCRIBER, **start}
    values = override(start, overrides)
    model: type[PivotSettings | SocSettings] = SocSettings if values["pipeline"] == "soc" else PivotSettings
    return checked(model, values, whose=f"preset {name!r}: ")


def settings_of(name: str, overrides: Sequence[str] = ()) -> dict[str, Any]:
    """Every setting of a preset, those that it leaves as they are too, by the name that `override` takes.

    Raises `SettingsError`.
    """
    settings = _settings(best_preset() if name == "auto" else name, overrides)
    found: dict[str, Any] = {}
    for field, value in settings:
        is_engine = field in get_args(Role) and value is not None
        found |= by_full_name(field, engine_settings(cast(Role, field), value) if is_engine else value)
    return found
