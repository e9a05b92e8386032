"""What pydantic found wrong with settings, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from refervid.core.arguments import did_you_mean
from refervid.core.errors import SettingsError

M = TypeVar("M", bound=BaseModel)


def checked(settings: type[M], values: Any, *, whose: str = "", prefix: str = "") -> M:
    """An object of the class `settings`. Raises `SettingsError`: `whose` settings are wrong, and each of them
    by its name, with the `prefix` that a user writes before it.
    """
    try:
        return settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(whose + problems_of(error, prefix, settings)) from error


def problems_of(error: ValidationError, prefix: str = "", settings: type[BaseModel] | None = None) -> str:
    """What pydantic found wrong, each with the name of the setting, on one line.

    With the class that was validated, `settings`, an unknown name is answered by those that there are.
    """
    return "; ".join(_placed(problem, prefix) + _told(problem, settings) for problem in error.errors())


def _placed(problem: ErrorDetails, prefix: str) -> str:
    name = (prefix + ".".join(map(str, problem["loc"]))).removesuffix(".")
    return f"{name}: " if name else ""


def _told(problem: ErrorDetails, settings: type[BaseModel] | None) -> str:
    place = problem["loc"]
    if settings is not None and problem["type"] == "extra_forbidden":
        names = _names_at(settings, place[:-1])
        nearest = did_you_mean(str(place[-1]), names)
        return f"there is no such setting{nearest}; choose among {', '.join(names)}"
    if settings is not None and problem["type"] == "model_type":
        return f"this is a group of settings; choose among {', '.join(_names_at(settings, place))}"
    if problem["type"] == "dict_type":
        return "this is a group of settings; each is changed by its full name, such as tracker.kind=sam2"
    return problem["msg"]


def _names_at(settings: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Names of the settings that stand at `path`, as pydantic tells where something is."""
    models = [settings]
    for step in path:
        models = [inner for model in models for inner in _inside(model, step)]
    return list(dict.fromkeys(name for model in models for name in model.model_fields))


def _inside(model: type[BaseModel], step: str | int) -> Iterator[type[BaseModel]]:
    """What a field holds; of several in a list the model itself, of several kinds the one that is named."""
    field, kind = model.model_fields.get(str(step)), model.model_fields.get("kind")
    if field is not None:
        yield from _models_in(field.annotation)
    elif isinstance(step, int) or (kind is not None and step in get_args(kind.annotation)):
        yield model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if hasattr(annotation, "model_fields"):
        yield annotation
    for part in get_args(annotation):
        yield from _models_in(part)
