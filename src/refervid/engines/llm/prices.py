"""What language models charge: a table that comes with refervid, and one that a user may add."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from urllib.parse import urlsplit

import yaml
from pydantic import TypeAdapter, ValidationError

from refervid.config.environment import Environment
from refervid.core.errors import SettingsError
from refervid.core.files import read_file
from refervid.engines.llm.model import FREE, Prices
from refervid.engines.llm.server import is_loopback

LISTED_AT = "api.openai.com"
"""Whose prices the table that comes with refervid holds."""


def list_price(model: str, base_url: str) -> Prices | None:
    """What `model` charges at an address; None where that is not known.

    The file that REFERVID_PRICES names goes first, for any address; models on this machine are free. Raises
    `SettingsError` for a file of another form.
    """
    path = Environment().prices
    if path is not None:
        try:
            own = _read(read_file(path).decode())
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"REFERVID_PRICES: {path} holds no prices ({error}): write a line for every model, such as "
                "`my-model: {input: 2, output: 10}`, in US dollars per million tokens"
            ) from error
        if model in own:
            return own[model]
    if is_loopback(base_url):
        return FREE
    return _listed().get(model) if urlsplit(base_url).hostname == LISTED_AT else None


@cache
def _listed() -> Mapping[str, Prices]:
    return _read((files(__package__) / "prices.yaml").read_text("utf-8"))


def _read(text: str) -> Mapping[str, Prices]:
    """Raises `ValueError`."""
    try:
        return TypeAdapter(dict[str, Prices]).validate_python(yaml.safe_load(text))
    except (yaml.YAMLError, ValidationError, RecursionError) as error:
        raise ValueError(str(error).splitlines()[0]) from error
