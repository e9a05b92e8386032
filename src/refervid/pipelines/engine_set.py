"""The engines of one pipeline: those that the caller gives, the others built when they are first needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast, get_args, get_type_hints

from refervid.core.errors import SettingsError
from refervid.engines.base import (
    Binder,
    Chooser,
    Detector,
    Engine,
    EngineOptions,
    Finder,
    Namer,
    Runtime,
    Tagger,
    Tracker,
    Transcriber,
)
from refervid.engines.hub.digests import loaded_digests
from refervid.engines.registry import Role, build_engine, engine_settings, missing_parts
from refervid.engines.rounds import Reader


class GivenEngines(TypedDict, total=False):
    """Engines of the caller's own, by role; None: as the preset says."""

    chooser: Chooser | None
    detector: Detector | None
    tracker: Tracker | None
    tagger: Tagger | None
    binder: Binder | None
    namer: Namer | None
    finder: Finder | None
    reader: Reader | None
    transcriber: Transcriber | None


PROTOCOLS: Mapping[str, Any] = {
    role: get_args(wanted)[0] for role, wanted in get_type_hints(GivenEngines).items()
}


class EngineSet:
    """One engine for every role in `options`; one that is `given` takes the place of what options say.

    Options of None are a role that stays empty unless an engine is given.
    `used` maps the roles whose engines were needed so far to "name version". Raises `SettingsError` for
    options that make no sense, for an engine in a role that is not in `options`, and for a given one that
    lacks something of its role's protocol.
    """

    def __init__(
        self,
        options: Mapping[Role, EngineOptions | None],
        runtime: Runtime,
        given: Mapping[Role, Engine],
    ) -> None:
        if foreign := [role for role in given if role not in options]:
            raise SettingsError(f"this preset uses no {foreign[0]}: give it {' or '.join(options)}")
        for role, engine in given.items():
            _check_given(role, engine)
        self._options = {
            role: wanted for role, wanted in options.items() if wanted is not None and role not in given
        }
        self._settings = {role: engine_settings(role, wanted) for role, wanted in self._options.items()}
        self._runtime = runtime
        self._engines = dict(given)
        self.used: dict[str, str] = {}

    @property
    def chooser(self) -> Chooser:
        return cast(Chooser, self._engine("chooser"))

    @property
    def detector(self) -> Detector:
        return cast(Detector, self._engine("detector"))

    @property
    def tracker(self) -> Tracker:
        return cast(Tracker, self._engine("tracker"))

    @property
    def tagger(self) -> Tagger:
        return cast(Tagger, self._engine("tagger"))

    @property
    def binder(self) -> Binder:
        return cast(Binder, self._engine("binder"))

    @property
    def namer(self) -> Namer:
        return cast(Namer, self._engine("namer"))

    @property
    def finder(self) -> Finder:
        return cast(Finder, self._engine("finder"))

    @property
    def reader(self) -> Reader:
        """Of its own, or the chooser."""
        return cast(Reader, self._engine("reader" if self.has("reader") else "chooser"))

    @property
    def transcriber(self) -> Transcriber:
        return cast(Transcriber, self._engine("transcriber"))

    def has(self, role: Role) -> bool:
        return role in self._options or role in self._engines

    def is_given(self, role: Role) -> bool:
        """Whether the caller brought this engine along, so that settings say nothing of it."""
        return role not in self._options

    def missing(self, roles: Sequence[Role]) -> list[str]:
        """What this machine lacks for those that are used and yet to be built, in words."""
        waiting = [role for role in roles if role in self._options and role not in self._engines]
        return [lack for role in waiting for lack in missing_parts(role, self._options[role])]

    def plan(self) -> dict[str, Any]:
        """By role the full settings, or which engine was given; ready for JSON."""
        set_up: dict[str, Any] = {
            role: settings.model_dump(mode="json") for role, settings in self._settings.items()
        }
        given = {role: engine for role, engine in self._engines.items() if self.is_given(role)}
        return set_up | {role: {"given": f"{one.name} {one.version}"} for role, one in given.items()}

    def contents(self) -> dict[str, str | None]:
        """Digests of the files that engines load; of engines that were given none is known."""
        return loaded_digests(*self._settings.values())

    def _engine(self, role: Role) -> Engine:
        if role not in self._engines:
            self._engines[role] = build_engine(role, self._options[role], self._runtime)
        engine = self._engines[role]
        self.used[role] = f"{engine.name} {engine.version}"
        return engine


def _check_given(role: Role, engine: object) -> None:
    if isinstance(engine, type):
        raise SettingsError(f"{role}={engine.__name__} is a class: give an object of it")
    protocol = PROTOCOLS[role]
    members = [*Engine.__annotations__, *(name for name in vars(protocol) if not name.startswith("_"))]
    if lacking := [name for name in members if not hasattr(engine, name)]:
        raise SettingsError(
            f"{role}={engine!r:.60} is no {role}: it lacks {', '.join(lacking)}, "
            f"which {protocol.__module__}.{protocol.__name__} asks for"
        )
