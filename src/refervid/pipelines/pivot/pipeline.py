"""The training-free pipeline of AL-Ref-SAM 2: choose pivots, then track them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from refervid.core.errors import NotReady
from refervid.core.track import Track
from refervid.core.types import Hook, Reference, SoundReference, Spending, TextReference, Waveform, no_hook
from refervid.engines.base import CheckingChooser, Engine, PaidChooser, Runtime, Tracker
from refervid.engines.class_names import ClassNames
from refervid.engines.hub.digests import loaded_digests
from refervid.engines.hub.weights import missing_weights
from refervid.engines.registry import Role, engine_class, engine_settings, missing_parts
from refervid.media.clip import Clip
from refervid.pipelines.base import Pipeline, reference_slugs
from refervid.pipelines.engine_set import EngineSet
from refervid.pipelines.pivot.check import check_results
from refervid.pipelines.pivot.questions import distinct_texts, planned_questions, sections_of
from refervid.pipelines.pivot.select import Found, find_pivots
from refervid.pipelines.pivot.settings import PivotSettings
from refervid.pipelines.pivot.sound import SoundFound, find_sounding, heard_frames
from refervid.pipelines.pivot.track import follow
from refervid.pipelines.stages import Stages
from refervid.report.result import Result, TrackedObject, status_of, union_of

Part = Role | Literal["class names"]

TEXT_PARTS: tuple[Role, ...] = ("chooser", "detector", "tracker")
SOUND_PARTS: tuple[Part, ...] = ("tagger", "binder", "class names")
"""What sound needs besides."""


def lacking(settings: PivotSettings, parts: Sequence[Part]) -> list[str]:
    """What this machine lacks for parts of the pipeline, in words, each once."""
    found: list[str] = []
    for part in parts:
        if part != "class names":
            found += missing_parts(part, getattr(settings, part))
        elif settings.sound.class_weights is not None:
            found += missing_weights(settings.sound.class_weights)
    return list(dict.fromkeys(found))


class PivotPipeline(Pipeline):
    """Pivots by chooser and detector, masks by tracker."""

    def __init__(
        self, preset: str, settings: PivotSettings, runtime: Runtime, given: Mapping[Role, Engine]
    ) -> None:
        self.preset = preset
        self.settings = settings
        self._runtime = runtime
        self.engines = EngineSet({role: getattr(settings, role) for role in get_args(Role)}, runtime, given)

    def run(self, clip: Clip, references: Sequence[Reference], hook: Hook = no_hook) -> list[Result]:
        texts, sound = bool(distinct_texts(references)), SoundReference() in references
        self._require(texts=texts or sound, sound=sound)
        # A clip without sound shows here, before questions are paid.
        waveform = clip.waveform() if sound else None
        stages = Stages(hook)
        before = self.spending()
        by_text = self._find_texts(clip, references, stages)
        by_sound = None if waveform is None else self._find_sound(clip, waveform, stages)
        found = [
            by_text[reference.text] if isinstance(reference, TextReference) else cast(Found, by_sound)
            for reference in references
        ]
        distinct = list({id(entry): entry for entry in found}.values())
        tracked = self._track(clip, distinct, stages)
        if self.settings.text.check:
            tracked |= self._track(clip, self._rejected(clip, by_text, tracked, stages), stages)
        after = self.spending()
        spending = after.since(before) if after and before else after
        return [
            replace(self._result(clip, reference, slug, entry, tracked[id(entry)], stages), spending=spending)
            for reference, slug, entry in zip(references, reference_slugs(references), found, strict=True)
        ]

    @property
    def tracker(self) -> Tracker:
        return self.engines.tracker

    def plan(self) -> dict[str, Any]:
        return {
            "preset": self.preset,
            "dtype": self._runtime.dtype,
            "settings": {**self.settings.model_dump(mode="json"), **self.engines.plan()},
            "contents": {**self.engines.contents(), **loaded_digests(self.settings.sound)},
        }

    def estimate(self, clip: Clip, references: Sequence[Reference]) -> Spending | None:
        chooser = engine_class("chooser", self.settings.chooser["kind"])
        if self.engines.is_given("chooser") or not isinstance(chooser, PaidChooser):
            return None
        settings = engine_settings("chooser", self.settings.chooser)
        return chooser.estimate(settings, planned_questions(clip, references, self.settings))

    def spending(self) -> Spending | None:
        if "chooser" not in self.engines.used:
            return None
        chooser = self.engines.chooser
        return chooser.spending() if isinstance(chooser, PaidChooser) else None

    @cached_property
    def _class_names(self) -> ClassNames:
        weights = cast(str, self.settings.sound.class_weights)
        self.engines.used["class names"] = f"languagebind {weights}"
        return ClassNames.build(weights, self._runtime.device)

    def _require(self, *, texts: bool, sound: bool) -> None:
        """Raises `NotReady` with all that is lacking: better now than after questions were paid."""
        lacks = self.engines.missing(TEXT_PARTS) if texts else []
        if sound:
            lacks += self.engines.missing(("tagger", "binder")) + lacking(self.settings, ("class names",))
        if lacks:
            raise NotReady(
                "\n  - ".join(["not everything is here that this preset needs:", *dict.fromkeys(lacks)])
            )

    def _find_texts(self, clip: Clip, references: Sequence[Reference], stages: Stages) -> dict[str, Found]:
        texts = [reference.text for reference in references if isinstance(reference, TextReference)]
        asked = distinct_texts(references)
        found = {text: Found(notes=["the sentence is empty"]) for text in texts}
        if asked:
            found |= find_pivots(
                clip,
                asked,
                sections_of(clip, self.settings),
                self.engines.chooser,
                self.engines.detector,
                self.settings.text,
                stages,
            )
        return found

    def _find_sound(self, clip: Clip, waveform: Waveform, stages: Stages) -> SoundFound:
        return find_sounding(
            clip,
            waveform,
            self.engines.chooser,
            self.engines.detector,
            self.engines.tagger,
            self.settings.sound,
            self.settings.text,
            stages,
        )

    def _track(self, clip: Clip, found: Sequence[Found], stages: Stages) -> dict[int, list[TrackedObject]]:
        """The objects of each entry, by its identity."""
        if not any(entry.objects for entry in found):
            return {id(entry): [] for entry in found}
        tracks = follow(clip, found, self.engines.tracker, stages, agreement=self.settings.text.agreement)
        return {id(entry): self._tracked(clip, entry, own) for entry, own in zip(found, tracks, strict=True)}

    def _rejected(
        self,
        clip: Clip,
        by_text: Mapping[str, Found],
        tracked: Mapping[int, Sequence[TrackedObject]],
        stages: Stages,
    ) -> list[Found]:
        """The sentences whose results do not pass the closing check."""
        if not any(entry.answered for entry in by_text.values()):
            return []
        chooser = self.engines.chooser
        if not isinstance(chooser, CheckingChooser):
            for entry in by_text.values():
                entry.note([f"not checked: the chooser {chooser.name!r} cannot judge results"])
            return []
        results = {text: (entry, union_of(tracked[id(entry)], clip)) for text, entry in by_text.items()}
        return check_results(clip, results, chooser, self.settings, stages)

    def _tracked(self, clip: Clip, entry: Found, tracks: Sequence[Track]) -> list[TrackedObject]:
        pairs = list(zip(map(tuple, entry.objects), tracks, strict=True))
        if isinstance(entry, SoundFound) and tracks:
            heard = self._heard(clip, entry)
            names = self._classes(entry)
            return [
                TrackedObject(pivots, track, name, shown)
                for (pivots, track), name, shown in zip(pairs, names, heard, strict=True)
            ]
        return [TrackedObject(pivots, track) for pivots, track in pairs]

    def _heard(self, clip: Clip, entry: SoundFound) -> Sequence[NDArray[np.bool_] | None]:
        """When each of the things sounds; None: throughout."""
        sound = self.settings.sound
        if not sound.bind:
            return [None] * len(entry.things)
        return heard_frames(
            clip,
            entry.waveform,
            entry.named,
            entry.things,
            entry.intervals,
            self.engines.binder,
            last_goes_on=sound.last_goes_on,
        )

    def _classes(self, entry: SoundFound) -> list[str]:
        """Names of the things, of the vocabulary where that is asked for."""
        names = [thing.name for thing in entry.things]
        sound = self.settings.sound
        foreign = [name for name in names if name not in (sound.vocabulary or ())]
        if sound.class_weights is None or sound.vocabulary is None or not foreign:
            return names
        classes = self._class_names.replace(foreign, sound.vocabulary)
        entry.note([f"{name!r} counts as {one!r}" for name, one in classes.items()])
        return [classes.get(name, name) for name in names]

    def _result(
        self,
        clip: Clip,
        reference: Reference,
        slug: str,
        entry: Found,
        tracked: Sequence[TrackedObject],
        stages: Stages,
    ) -> Result:
        track = union_of(tracked, clip)
        notes = [*clip.notes, *entry.notes]
        status = "failed" if entry.error is not None else status_of(clip, track, guess=entry.guess)
        if status == "not_found" and entry.objects:
            notes.append("pivots were chosen, but the tracker found the object on no frame")
        return Result(
            clip=clip,
            reference=reference,
            slug=slug,
            status=status,
            track=track,
            preset=self.preset,
            confidence=entry.confidence,
            pivots=[pivot for pivots in entry.objects for pivot in pivots],
            decisions=entry.decisions,
            notes=notes,
            timings_s=dict(stages.seconds),
            engines=dict(self.engines.used),
            tracked=tracked,
            error=entry.error,
            sound=entry.summary() if isinstance(entry, SoundFound) else None,
        )
