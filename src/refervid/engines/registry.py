"""Which engines there are: from role and kind to a class, imported on first use.

Other packages add theirs by an entry point of the group `refervid.engines`, named "role.kind":

    [project.entry-points."refervid.engines"]
    "tracker.mine" = "my_package:MyTracker"
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Literal, cast

from refervid.config.problems import checked
from refervid.core.arguments import did_you_mean
from refervid.core.errors import SettingsError
from refervid.engines.base import Engine, EngineClass, EngineSettings, Runtime

Role = Literal[
    "chooser", "detector", "tracker", "tagger", "binder", "namer", "finder", "reader", "transcriber"
]

GROUP = "refervid.engines"
"""The entry points by which packages add engines."""

ENGINES: Mapping[Role, Mapping[str, str]] = {
    "chooser": {
        "rules": "refervid.engines.lite.chooser:RulesChooser",
        "best-box": "refervid.engines.best_box:BestBoxChooser",
        "server": "refervid.engines.llm.engines:ServerChooser",
        "local": "refervid.engines.llm.engines:LocalChooser",
        "recorded": "refervid.engines.recorded.chooser:RecordedChooser",
    },
    "detector": {
        "motion": "refervid.engines.lite.detector:MotionDetector",
        "grounding-dino": "refervid.engines.grounding_dino:GroundingDinoDetector",
        "owlv2": "refervid.engines.owlv2:Owlv2Detector",
    },
    "tracker": {
        "embedded": "refervid.engines.lite.tracker:EmbeddedTracker",
        "sam2": "refervid.engines.sam2:Sam2Tracker",
        "edgetam": "refervid.engines.sam2:EdgeTamTracker",
        "sam3": "refervid.engines.sam3:Sam3Tracker",
    },
    "tagger": {
        "energy": "refervid.engines.lite.tagger:EnergyTagger",
        "beats": "refervid.engines.beats:BeatsTagger",
        "ast": "refervid.engines.ast:AstTagger",
        "recorded": "refervid.engines.recorded.tagger:RecordedTagger",
    },
    "transcriber": {
        "whisper": "refervid.engines.whisper:WhisperTranscriber",
    },
    "binder": {
        "synchrony": "refervid.engines.lite.binder:SynchronyBinder",
        "languagebind": "refervid.engines.languagebind:LanguageBindBinder",
        "clap": "refervid.engines.clap:ClapBinder",
    },
    "namer": {
        "languagebind": "refervid.engines.class_names:LanguageBindNamer",
    },
    "finder": {
        "objects": "refervid.engines.lite.objects.finder:ObjectFinder",
        "sam3": "refervid.engines.sam3:Sam3Finder",
        "linked": "refervid.engines.linked_finder:LinkedFinder",
    },
    "reader": {
        "rules": "refervid.engines.lite.reader:RulesReader",
    },
}


def engine_class(role: Role, kind: str) -> EngineClass:
    """The class behind a kind; what comes with refervid cannot be replaced by a package.

    Raises `SettingsError` for a kind the role does not have, and for one whose package cannot be used.
    """
    if kind in ENGINES[role]:
        return cast(EngineClass, EntryPoint(kind, ENGINES[role][kind], GROUP).load())
    match [point for name, point in _added(role) if name == kind]:
        case []:
            kinds = _kinds(role)
            nearest = did_you_mean(kind, kinds)
            raise SettingsError(f"no {role} {kind!r}{nearest}: choose one of {', '.join(kinds)}")
        case [point]:
            return _load_added(point)
        case several:
            places = " and ".join(point.value for point in several)
            raise SettingsError(f"{role}.{kind} is both {places}: remove one of the packages")


def _kinds(role: Role) -> list[str]:
    return [*ENGINES[role], *(kind for kind, _ in _added(role))]


def _added(role: Role) -> list[tuple[str, EntryPoint]]:
    """Kinds of a role that packages add, with their entry points."""
    points = [(point.name.partition("."), point) for point in entry_points(group=GROUP)]
    return [(kind, point) for (owner, _, kind), point in points if owner == role]


def _load_added(point: EntryPoint) -> EngineClass:
    try:
        found = point.load()
    except Exception as error:  # whatever a stranger's module does when it is imported
        raise SettingsError(f"the engine {point.name} of {point.value} cannot be loaded: {error}") from error
    if lacking := [name for name in ("Settings", "missing", "build") if not hasattr(found, name)]:
        raise SettingsError(f"{point.value} is no engine for {point.name}: it lacks {', '.join(lacking)}")
    return cast(EngineClass, found)


def engine_settings(role: Role, options: Mapping[str, Any]) -> EngineSettings:
    """Validated settings of the engine that `options["kind"]` names. Raises `SettingsError`."""
    if options.get("kind") is None:
        raise SettingsError(f"{role}.kind is missing: choose one of {', '.join(_kinds(role))}")
    cls = engine_class(role, str(options["kind"]))
    return checked(cls.Settings, options, whose=f"the {role} {options['kind']!r}: ", prefix=f"{role}.")


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
