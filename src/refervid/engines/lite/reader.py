"""Says what a sentence names, by the rules of its language alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from refervid.core.types import Decision
from refervid.engines.base import EngineSettings
from refervid.engines.lite.language import Expression, parse
from refervid.engines.lite.rules_engine import RulesEngine
from refervid.engines.rounds import ConceptChoice, ConceptQuestion


class RulesReaderSettings(EngineSettings):
    kind: Literal["rules"] = "rules"


class RulesReader(RulesEngine[RulesReaderSettings]):
    """The nouns of the sentence; one whose noun is not known is taken as it stands."""

    Settings = RulesReaderSettings
    name = "rules"
    version = "1"

    def concepts(self, questions: Sequence[ConceptQuestion]) -> list[ConceptChoice]:
        return [_concepts(question.text) for question in questions]


def _concepts(text: str) -> ConceptChoice:
    expression = parse(text)
    heads = [one.noun for one in (expression, *expression.others) if one.noun]
    meant = list(dict.fromkeys(heads)) or [text.strip()]
    others = list(dict.fromkeys(noun for noun in _related(expression) if noun not in meant))
    answer = ", ".join(meant) + (f"; beside {', '.join(others)}" if others else "")
    return ConceptChoice(meant, others, Decision("concepts", answer, "rules"))


def _related(expression: Expression) -> Iterator[str]:
    for relation in expression.relations:
        for target in relation.targets:
            if target.noun:
                yield target.noun
            yield from _related(target)
    for other in expression.others:
        yield from _related(other)
