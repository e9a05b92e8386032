"""The closing check: the chooser sees the result, and may reject it once for another candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from refervid.engines.base import CheckingChooser, Chooser
from refervid.engines.questions import BoxChoice, BoxQuestion, CheckQuestion
from refervid.media.clip import Clip
from refervid.pipelines.pivot.questions import check_section
from refervid.pipelines.pivot.select import picked_pivots
from refervid.pipelines.pivot.selection import Selection
from refervid.pipelines.pivot.settings import PivotSettings
from refervid.pipelines.stages import Stages
from refervid.report.objects import union_of


def check_results(
    clip: Clip, selections: Sequence[Selection], chooser: Chooser, settings: PivotSettings, stages: Stages
) -> list[Selection]:
    """Ask about the tracks of every sentence that has another candidate. One that is rejected starts from the
    candidate that was named instead, and is yet to be tracked; of what was rejected nothing is left.
    """
    if not isinstance(chooser, CheckingChooser):
        note = f"not checked: the chooser {chooser.name!r} cannot judge results"
        return [one.noted([note]) if one.objects else one for one in selections]
    questions = {
        place: _question(clip, one, answered, settings)
        for place, one in enumerate(selections)
        if one.error is None and (answered := _telling(one)) is not None
    }
    with stages.stage("check", len(questions)) as stage:
        stage.artefact = choices = chooser.check(list(questions.values()))
    checked = list(selections)
    for (place, question), choice in zip(questions.items(), choices, strict=True):
        checked[place] = _after_check(selections[place].told(choice), question, choice)
    return checked


def _after_check(selection: Selection, question: CheckQuestion, choice: BoxChoice) -> Selection:
    if not choice.picks:
        doubt = "the check doubts this result, but finds no better box"
        return replace(selection.noted([doubt]), guess=True)
    if set(choice.picks) == set(question.picks):
        return selection
    note = "the check rejected the first result; this is from the boxes that it named instead"
    objects = tuple((pivot,) for pivot in picked_pivots(question, choice.picks))
    return replace(selection.noted([note]), objects=objects, others=(), tracked=())


def _telling(selection: Selection) -> tuple[BoxQuestion, BoxChoice] | None:
    """The answered question with most to choose from, the first of equals; None if there is no other box."""
    answered = [pair for pair in selection.answered if pair[1].picks and len(pair[0].candidates) > 1]
    return max(answered, key=lambda pair: len(pair[0].candidates), default=None)


def _question(
    clip: Clip, selection: Selection, answered: tuple[BoxQuestion, BoxChoice], settings: PivotSettings
) -> CheckQuestion:
    question, choice = answered
    section = check_section(clip, question.frame_index, settings)
    track = union_of(selection.tracked, clip)
    masks = {index: track[index] for index in section.frame_indices}
    return CheckQuestion(
        section, masks, question.frame_index, question.candidates, choice.picks, question.text
    )
