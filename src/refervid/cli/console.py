"""What the command line says: everything for people goes to stderr, JSON alone to stdout."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from refervid.errors import RefervidError, SettingsError
from refervid.types import Hook

DONE, FAILED, USAGE, PARTIAL = 0, 1, 2, 3
"""Exit codes."""

INTERRUPTED = 130

console = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def reporting_errors() -> Iterator[None]:
    """Turn errors raised on purpose into one line and an exit code; SIGTERM stops like Ctrl-C."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    except SettingsError as error:
        _fail(error, USAGE)
    except RefervidError as error:
        _fail(error, FAILED)
    except OSError as error:
        _fail(error, FAILED)
    except KeyboardInterrupt:
        console.print("stopped; nothing incomplete was left behind")
        sys.exit(INTERRUPTED)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _fail(error: Exception, code: int) -> None:
    console.print(f"[bold red]error:[/] {type(error).__name__}: ", end="")
    console.print(str(error), markup=False)
    sys.exit(code)


@contextmanager
def progress_hook() -> Iterator[Hook]:
    """A hook that draws one progress bar per stage."""
    columns = (
        TextColumn("{task.description:>15}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, transient=not console.is_terminal) as progress:
        bars: dict[str, Any] = {}

        def hook(stage: str, artefact: object, completed: int, total: int) -> None:
            if stage not in bars:
                bars[stage] = progress.add_task(stage, total=total)
            progress.update(bars[stage], completed=completed, total=total)

        yield hook


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))
