"""Which engines there are: a fixed table from role and kind to a class, imported on first use."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Literal, cast

from pydantic import ValidationError

from refervid.config.problems import problems_of
from refervid.core.errors import SettingsError
from refervid.engines.base import Engine, EngineSettings, Runtime

Role = Literal["chooser", "detector", "tracker", "tagger", "binder"]

ENGINES: Mapping[Role, Mapping[str, str]] = {
    "chooser": {
        "rules": "refervid.engines.lite.chooser:RulesChooser",
        "best-box": "refervid.engines.best_box:BestBoxChooser",
        "server": "refervid.engines.llm.engines:ServerChooser",
        "local": "refervid.engines.llm.engines:LocalChooser",
        "recorded": "refervid.engines.recorded:RecordedChooser",
    },
    "detector": {
        "motion": "refervid.engines.lite.detector:MotionDetector",
        "grounding-dino": "refervid.engines.grounding_dino:GroundingDinoDetector",
        "owlv2": "refervid.engines.owlv2:Owlv2Detector",
    },
    "tracker": {
        "flow": "refervid.engines.lite.tracker:FlowTracker",
        "sam2": "refervid.engines.sam2:Sam2Tracker",
        "edgetam": "refervid.engines.sam2:EdgeTamTracker",
    },
    "tagger": {
        "energy": "refervid.engines.lite.tagger:EnergyTagger",
        "beats": "refervid.engines.beats:BeatsTagger",
        "ast": "refervid.engines.ast:AstTagger",
        "recorded": "refervid.engines.recorded:RecordedTagger",
    },
    "binder": {
        "synchrony": "refervid.engines.lite.binder:SynchronyBinder",
        "languagebind": "refervid.engines.languagebind:LanguageBindBinder",
        "clap": "refervid.engines.clap:ClapBinder",
    },
}


def engine_class(role: Role, kind: str) -> type[Engine]:
    """The class behind a kind. Raises `SettingsError` for a kind the role does not have."""
    try:
        module, name = ENGINES[role][kind].split(":")
    except KeyError:
        raise SettingsError(f"no {role} {kind!r}: choose one of {', '.join(ENGINES[role])}") from None
    return cast(type[Engine], getattr(import_module(module), name))


def engine_settings(role: Role, options: Mapping[str, Any]) -> EngineSettings:
    """Validated settings of the engine that `options["kind"]` names. Raises `SettingsError`."""
    if "kind" not in options:
        raise SettingsError(f"{role}.kind is missing: choose one of {', '.join(ENGINES[role])}")
    cls = engine_class(role, str(options["kind"]))
    try:
        return cast(EngineSettings, cls.Settings.model_validate(options))
    except ValidationError as error:
        problems = problems_of(error, f"{role}.", cls.Settings)
        raise SettingsError(f"the {role} {options['kind']!r}: {problems}") from error


def build_engine(role: Role, options: Mapping[str, Any], runtime: Runtime) -> Engine:
    """A ready engine. Raises `OutOfMemory` if its networks do not fit on the device."""
    from refervid.models.adaptive_batch import memory_checked  # torch is not needed to list what is missing

    settings = engine_settings(role, options)
    with memory_checked(runtime.device):
        return engine_class(role, settings.kind).build(settings, runtime)


def missing_parts(role: Role, options: Mapping[str, Any]) -> list[str]:
    """What this machine lacks for the engine, in words; empty: it can run."""
    settings = engine_settings(role, options)
    return engine_class(role, settings.kind).missing(settings)
