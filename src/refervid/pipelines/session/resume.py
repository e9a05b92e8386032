"""Answers that are given once, however often a run is stopped and started again."""

from __future__ import annotations

import json
from collections.abc import Sequence

from refervid.config.differences import differences
from refervid.core.errors import ConfigurationChanged
from refervid.core.types import Hook, Reference, TextReference, words_of
from refervid.pipelines.session.results import with_slugs
from refervid.pipelines.session.session import Session
from refervid.report.result import Result

MOST_SAID = 4
"""Differences that are named; of another preset all settings differ."""


def answer_all(session: Session, references: Sequence[Reference], hook: Hook) -> list[Result]:
    """The results of these, in order; those that the session lacks, or that failed, are asked one by one.

    Raises `ConfigurationChanged` where one was answered under other settings than those of the session's
    pipeline, and what `Session.ask` does.
    """
    known = _known(session, references)
    for reference in references:
        if reference not in known:
            texts = [words_of(reference)] if isinstance(reference, TextReference) else []
            [known[reference]] = session.ask(texts, sound=not texts, hook=hook)
    return with_slugs([session.result(known[reference]) for reference in references])


def _known(session: Session, references: Sequence[Reference]) -> dict[Reference, int]:
    """The answers that there are."""
    plan = json.loads(json.dumps(session.pipeline.plan()))
    known: dict[Reference, int] = {}
    for number, answer in session.answers.items():
        if answer.reference not in references:
            continue
        found = session.found(number)
        if found.query.status == "failed":
            continue
        if changes := differences(found.plan, plan):
            named = [each for each in changes if each.startswith("preset:")] or changes[:MOST_SAID]
            raise ConfigurationChanged(
                f"{session.folder} answered {answer.words!r} under other settings ({'; '.join(named)}): "
                "give the same ones, or choose another folder"
            )
        known[answer.reference] = number
    return known
