"""Settings by their full names: "tracker.kind=edgetam" changes one, and every one can be listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from refervid.core.errors import SettingsError


def override(settings: Mapping[str, Any], changes: Sequence[str]) -> dict[str, Any]:
    """A copy of `settings` with "a.b=value" applied, in lists "a.0.b=value"; values are read as YAML.

    Choosing another `kind` drops the old engine's own settings. Raises `SettingsError`, which names the
    setting and not its value: that may be meant for nobody's eyes.
    """
    result: dict[str, Any] = yaml.safe_load(yaml.safe_dump(dict(settings)))
    for change in changes:
        path, equals, text = change.partition("=")
        if not equals or not path.strip():
            raise SettingsError(
                f"setting {change!r}: write it as name=value, for example tracker.kind=edgetam"
            )
        if not text.strip():
            raise SettingsError(
                f"setting {path!r}: its value is missing; write {path}=VALUE, or {path}=null for none"
            )
        *parents, leaf = path.strip().split(".")
        place: Any = result
        for parent in parents:
            if isinstance(place, dict):
                place.setdefault(parent, {})
            place = place[_key(place, parent, path)]
        key = _key(place, leaf, path)
        if key == "kind":
            place.clear()
        try:
            place[key] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise SettingsError(
                f"setting {path!r}: the value cannot be read as YAML; put it in quotes"
            ) from error
    return result


def merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """`values` with `changes`, group by group."""
    found = dict(values)
    for name, change in changes.items():
        before = found.get(name)
        if isinstance(before, Mapping) and isinstance(change, Mapping):
            change = merged(before, change)
        found[name] = change
    return found


def _key(place: Any, name: str, path: str) -> str | int:
    """What `name` is called in `place`: in a list the number of an entry, from 0."""
    if isinstance(place, list):
        if not name.isdecimal() or int(name) >= len(place):
            raise SettingsError(f"setting {path!r}: {name!r} is no entry: give 0 to {len(place) - 1}")
        return int(name)
    if not isinstance(place, dict):
        raise SettingsError(f"setting {path!r}: nothing there can be called {name!r}")
    return name


def by_full_name(name: str, value: Any) -> dict[str, Any]:
    """`value` itself under `name`, or of a group of settings each under its own."""
    if not isinstance(value, BaseModel):
        return {name: to_jsonable_python(value)}
    found: dict[str, Any] = {}
    for field, inner in sorted(value, key=lambda pair: pair[0] != "kind"):  # a kind drops what was set before
        found |= by_full_name(f"{name}.{field}", inner)
    return found
