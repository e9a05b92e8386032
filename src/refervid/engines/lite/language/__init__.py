"""The language of attributes: a referring sentence as a structure that can be checked against pictures."""

from refervid.engines.lite.language.expression import Attribute, Expression, Part, Relation, RelationKind
from refervid.engines.lite.language.parser import colour_names_in, parse, unseen_noun_in
from refervid.engines.lite.language.vocabulary import Concept

__all__ = [
    "Attribute",
    "Concept",
    "Expression",
    "Part",
    "Relation",
    "RelationKind",
    "colour_names_in",
    "parse",
    "unseen_noun_in",
]
