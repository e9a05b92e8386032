"""How pages of HTML are filled in: whatever comes from outside is escaped, and nothing may be left out."""

from __future__ import annotations

from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template

from refervid.core.counting import counted


@cache
def template(name: str, *places: tuple[str, str]) -> Template:
    """The template `name` from the first of `places`, each a package and its folder, that has it."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, folder) for package, folder in places]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["counted"] = counted
    return environment.get_template(name)
