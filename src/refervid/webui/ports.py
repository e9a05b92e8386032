"""Ports of this machine on which something is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from refervid.core.errors import SettingsError


@contextmanager
def taking_port(port: int, option: str) -> Iterator[None]:
    """Say in one sentence why `port`, which the command line's `option` names, cannot be taken.

    Raises `SettingsError`.
    """
    try:
        yield
    except OSError as error:
        raise SettingsError(
            f"port {port} cannot be taken ({error.strerror}): choose another with {option}, or {option} 0"
        ) from error
