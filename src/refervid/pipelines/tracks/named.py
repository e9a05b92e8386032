"""What sentences name, and the tracks of it: the start of the rounds."""

from __future__ import annotations

from collections.abc import Sequence

from refervid.core.types import Hook
from refervid.engines.base import CompletingFinder, Finder
from refervid.engines.inventory import Inventory, ObjectTrack
from refervid.engines.rounds import ConceptChoice, ConceptFinder, ConceptQuestion, Reader
from refervid.media.clip import Clip
from refervid.media.sections import even_section
from refervid.pipelines.pivot.settings import RoundSettings
from refervid.pipelines.stages import Stages
from refervid.pipelines.tracks.rounds import Standing


def everything(clip: Clip, texts: Sequence[str], finder: Finder, stages: Stages) -> list[Standing]:
    """Every sentence may mean every track of a finder that is not told what to look for."""
    with stages.stage("inventory", len(clip)) as stage:
        stage.artefact = inventory = whole_inventory(clip, finder, stage.hook)
    return [Standing(text, tuple(inventory.tracks), notes=tuple(inventory.notes)) for text in texts]


def whole_inventory(clip: Clip, finder: Finder, hook: Hook) -> Inventory:
    """With the things that have no name, where the finder sees such."""
    found = finder.find(clip, hook)
    return finder.complete(clip, found, hook) if isinstance(finder, CompletingFinder) else found


def what_is_named(
    clip: Clip,
    texts: Sequence[str],
    reader: Reader,
    finder: ConceptFinder,
    settings: RoundSettings,
    stages: Stages,
) -> list[Standing]:
    """Tracks of the concepts of all sentences, looked for together, so that they share what is computed."""
    section = even_section(clip, settings.frames, settings.style)
    with stages.stage("read", len(texts)) as stage:
        stage.artefact = choices = reader.concepts([ConceptQuestion(section, text) for text in texts])
    named = [noun for one in choices if one.error is None for noun in (*one.meant, *one.related)]
    inventory = Inventory((), ())
    if named:
        with stages.stage("inventory", len(clip)) as stage:
            found = finder.find_concepts(clip, list(dict.fromkeys(named)), stage.hook)
            stage.artefact = inventory = found
    return [_standing(text, choice, inventory) for text, choice in zip(texts, choices, strict=True)]


def _standing(text: str, choice: ConceptChoice, inventory: Inventory) -> Standing:
    tracks = _named(inventory, choice.meant)
    others = [track for track in _named(inventory, choice.related) if track not in tracks]
    notes = [*choice.notes, *inventory.notes]
    if choice.error is not None:
        return Standing(
            text, (), decisions=(choice.decision,), notes=(*notes, str(choice.error)), error=choice.error
        )
    if not tracks:
        notes.append(f"looked for {', '.join(choice.meant)}, and found none")
    return Standing(text, tuple(tracks), tuple(others), decisions=(choice.decision,), notes=tuple(notes))


def _named(inventory: Inventory, concepts: Sequence[str]) -> list[ObjectTrack]:
    return [track for track in inventory.tracks if any(concept in track.names for concept in concepts)]
