"""The stages and questions that the code names: read from its source, so that a new one is not missed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import refervid

SOURCE = Path(refervid.__file__).parent
Call = tuple[ast.expr, ast.FunctionDef]
"""What a call is given first, and the function in which it stands."""


def first_arguments(names: set[str], leaving_out: frozenset[str] = frozenset()) -> set[str]:
    """What functions called `names` (methods: ".name") are given first, a number in it being 1.

    A function that passes on what it is given first is followed to where it is called. What cannot be read
    from the source raises `ValueError`. Rooms may be left out.
    """
    trees = [
        ast.parse(path.read_text("utf-8"))
        for path in sorted(SOURCE.rglob("*.py"))
        if path.relative_to(SOURCE).parts[0] not in leaving_out
    ]
    found: set[str] = set()
    for given, function in (call for tree in trees for call in _calls(tree, names)):
        own = [one.arg for one in function.args.args]
        passed_on, name = (own[1:2], f".{function.name}") if "self" in own else (own[:1], function.name)
        if isinstance(given, ast.Constant):
            found.add(str(given.value))
        elif isinstance(given, ast.JoinedStr):
            found.add("".join(p.value if isinstance(p, ast.Constant) else "1" for p in given.values))
        elif isinstance(given, ast.Name) and [given.id] == passed_on:
            if name not in names:
                return first_arguments(names | {name}, leaving_out)
        elif not isinstance(given, ast.Attribute):  # of something that was named before
            raise ValueError(f"{function.name}: {ast.unparse(given)} does not say what it is")
    return found


def _calls(tree: ast.Module, names: set[str]) -> Iterator[Call]:
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in _inside(function):
            dotted = isinstance(node.func, ast.Attribute)
            called = f".{node.func.attr}" if dotted else getattr(node.func, "id", "")
            if called in names and node.args:
                yield node.args[0], function


def _inside(node: ast.AST) -> Iterator[ast.Call]:
    """Calls in a function, but not those in a function within it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child
        if not isinstance(child, ast.FunctionDef):
            yield from _inside(child)
