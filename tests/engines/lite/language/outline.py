"""An expression on one line, as the tables of sentences have it.

The noun and its kind come first ("dog animal", "-" without a noun), then "x2" or "xN" for several things and
between semicolons what is said: "colour red@hat" (on a part), "motion left#1" (first phase), "size big++"
(superlative, "+" comparative), "rank left 2", "relation action -> target" ("<-": the target acts), "has hat",
"not ..." for what is denied, "excluded: ...", "of: ..." (whose), "and: ..." (another thing), "unchecked ...",
"unknown ...".
"""

from __future__ import annotations

from refervid.engines.lite.language import Attribute, Expression, Relation


def outline(expression: Expression) -> str:
    head = f"{expression.noun} {expression.noun_class or '?'}" if expression.noun else "-"
    if expression.plural:
        head += f" x{expression.count or 'N'}"
    said = [head, *map(_attribute, expression.attributes), *map(_relation, expression.relations)]
    for part in expression.parts:
        said.append(("not " if part.negated else "") + f"has {_inner(part.thing)}")
    said += [f"excluded: {_inner(each)}" for each in expression.excluded]
    said += [f"of: {_inner(expression.owner)}"] if expression.owner else []
    said += [f"and: {_inner(each)}" for each in expression.others]
    said += [f"unchecked {each}" for each in expression.unchecked]
    said += [f"unknown {each}" for each in expression.unknown]
    return "; ".join(said)


def _inner(expression: Expression) -> str:
    text = outline(expression)
    return f"({text})" if ";" in text else text


def _attribute(attribute: Attribute) -> str:
    text = f"{attribute.kind} {'/'.join(attribute.values)}"
    text += f"@{attribute.part}" if attribute.part else ""
    text += {"plain": "", "comparative": "+", "superlative": "++"}[attribute.degree]
    text += f" {attribute.rank}" if attribute.rank else ""
    text += f" {attribute.event}" if attribute.event else ""
    text += f"#{attribute.phase}" if attribute.phase else ""
    return f"not {text}" if attribute.negated else text


def _relation(relation: Relation) -> str:
    action = f" {relation.action}" if relation.action else ""
    how = relation.kind + ("++" if relation.superlative else "") + action
    how += f" {_attribute(relation.attribute)}" if relation.attribute else ""
    targets = " & ".join(map(_inner, relation.targets))
    return ("not " if relation.negated else "") + f"{how} {'<-' if relation.passive else '->'} {targets}"
