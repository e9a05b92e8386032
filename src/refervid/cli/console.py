"""What the command line says: the answer that was asked for goes to stdout, everything else to stderr."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from time import monotonic
from types import FrameType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from refervid.core.errors import RefervidError, SettingsError
from refervid.report.stages import stage_words

if TYPE_CHECKING:
    from refervid.core.types import Hook

DONE, FAILED, USAGE, PARTIAL = 0, 1, 2, 3
"""Exit codes."""

INTERRUPTED = 130

QUIET_S = 10.0
"""Between two lines of progress where there is no terminal to draw on."""

_CONTROL = re.compile(r"[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""All but newline and tab, and the halves of characters that stand for bytes of a name that is no UTF-8."""


def visible(text: str) -> str:
    r"""Text of a user, a file or a server with \u001b, as JSON has it, where it would steer the terminal."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class _Console(Console):
    def render_str(self, text: str, **how: Any) -> Text:
        return super().render_str(visible(text), **how)


console = _Console(stderr=True, highlight=False, soft_wrap=True)


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
    except BrokenPipeError:  # `| head` has read enough; what is left must not fail once more at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(DONE)
    except OSError as error:
        _fail(error, FAILED)
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second Ctrl-C ends it at once, in silence
        on = "; the same command goes on from here" if "--resume" in sys.argv else ""
        console.print(f"stopped; nothing incomplete was left behind{on}")
        sys.exit(INTERRUPTED)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _fail(error: Exception, code: int) -> None:
    console.print(f"[bold red]error:[/] {type(error).__name__}: ", end="")
    console.print(str(error), markup=False)
    sys.exit(code)


@contextmanager
def progress_hook(remark: Callable[[Any], str] = lambda artefact: "") -> Iterator[Hook]:
    """A hook that draws one bar per stage; off a terminal it says now and then how far a stage is.

    `remark` is called with the artefact of every report and gives words for such a line.
    """
    if not console.is_terminal:
        with redirect_stdout(sys.stderr):  # as on a terminal: what Ray has to say is no part of the answer
            yield _lines(remark)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(20),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console) as progress:
        bars: dict[str, Any] = {}

        def hook(stage: str, artefact: object, completed: int, total: int) -> None:
            if completed == total == 0:  # nothing is to be done
                return
            if stage not in bars:
                bars[stage] = progress.add_task(stage_words(stage), total=total, completed=completed)
            progress.update(bars[stage], completed=completed, total=total)

        yield hook


def _lines(remark: Callable[[Any], str]) -> Hook:
    """One line at the end of each stage, and one every `QUIET_S` with the time left."""
    under_way: dict[str, tuple[float, int]] = {}
    ended: set[str] = set()
    last_line = monotonic()

    def hook(stage: str, artefact: object, completed: int, total: int) -> None:
        nonlocal last_line
        if completed == total == 0:
            return
        now, words = monotonic(), remark(artefact)
        facts = [f"{stage_words(stage)}: {completed} of {total}", words]
        if completed < total:
            ended.discard(stage)
            start, already = under_way.setdefault(stage, (now, completed))
            if now - last_line < QUIET_S or completed == already:
                return
            seconds = (now - start) / (completed - already) * (total - completed)
            facts.append(f"{spell_time(seconds)} left")
        elif stage in ended:  # said by the engine, and again by the pipeline
            return
        else:
            ended.add(stage)
            under_way.pop(stage, None)
        last_line = now
        console.print(", ".join(filter(None, facts)), markup=False)

    return hook


def spell_time(seconds: float) -> str:
    """40 -> "40 s", 200 -> "3 min 20 s", 7500 -> "2 h 5 min"."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def print_table(table: Table) -> None:
    """The answer of a command. Where stdout is no terminal every row is one line, to be searched and cut."""
    if sys.stdout.isatty():
        _Console(highlight=False).print(table, markup=False)
        return
    plain = _Console(width=10_000, color_system=None)
    with plain.capture() as captured:
        plain.print(table, markup=False)
    for line in captured.get().splitlines():
        print_line(line.rstrip())


def print_json(value: Any) -> None:
    print_line(json.dumps(value, indent=2, ensure_ascii=False))


def print_line(text: str) -> None:
    print(visible(text))
