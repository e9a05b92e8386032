"""What the report says about each query."""

from __future__ import annotations

from refervid.report.views import question_words
from tests.emitted import first_arguments


def test_every_question_has_words() -> None:
    questions = first_arguments({"Decision"})
    assert questions > {"frame", "box", "mark", "round 1"}
    assert [question for question in questions if question_words(question) == question] == []
