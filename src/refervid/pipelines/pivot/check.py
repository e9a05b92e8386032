"""The closing check: the chooser sees the result, and may reject it once for another candidate."""

from __future__ import annotations

from collections.abc import Mapping

from refervid.core.track import Track
from refervid.engines.base import BoxChoice, BoxQuestion, CheckingChooser, CheckQuestion
from refervid.media.clip import Clip
from refervid.pipelines.pivot.questions import check_section
from refervid.pipelines.pivot.select import Found, picked_pivots
from refervid.pipelines.pivot.settings import PivotSettings
from refervid.pipelines.stages import Stages


def check_results(
    clip: Clip,
    results: Mapping[str, tuple[Found, Track]],
    chooser: CheckingChooser,
    settings: PivotSettings,
    stages: Stages,
) -> list[Found]:
    """Ask about the result of every text that has another candidate; returns those that were rejected,
    with what they start from instead: the candidate that was named, and nothing of what was rejected.
    """
    asked = [
        (entry, _question(clip, text, answered, track, settings))
        for text, (entry, track) in results.items()
        if entry.error is None and (answered := _telling(entry)) is not None
    ]
    with stages.stage("check", len(asked)):
        choices = chooser.check([question for _, question in asked])
    rejected = []
    for (entry, question), choice in zip(asked, choices, strict=True):
        entry.add(choice)
        if not choice.picks:
            entry.guess = True
            entry.note(["the check doubts this result, but finds no better box"])
        elif set(choice.picks) != set(question.picks):
            entry.note(["the check rejected the first result; this is from the boxes that it named instead"])
            entry.objects = [[pivot] for pivot in picked_pivots(question, choice.picks)]
            entry.others = []
            rejected.append(entry)
    return rejected


def _telling(entry: Found) -> tuple[BoxQuestion, BoxChoice] | None:
    """The answered question with most to choose from, the first of equals; None if there is no other box."""
    answered = [pair for pair in entry.answered if pair[1].picks and len(pair[0].candidates) > 1]
    return max(answered, key=lambda pair: len(pair[0].candidates), default=None)


def _question(
    clip: Clip, text: str, answered: tuple[BoxQuestion, BoxChoice], track: Track, settings: PivotSettings
) -> CheckQuestion:
    question, choice = answered
    section = check_section(clip, question.frame_index, settings)
    masks = {index: track[index] for index in section.frame_indices}
    return CheckQuestion(section, masks, question.frame_index, question.candidates, choice.picks, text)
