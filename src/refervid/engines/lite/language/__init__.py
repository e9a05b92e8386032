"""The language of attributes: a referring sentence as a structure that can be checked against pictures."""

from refervid.engines.lite.language.expression import Attribute, Expression, Relation
from refervid.engines.lite.language.parser import colour_names_in, parse

__all__ = ["Attribute", "Expression", "Relation", "colour_names_in", "parse"]
