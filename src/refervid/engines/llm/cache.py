"""Answers that were paid for, kept by content, so that a run can be resumed or replayed offline."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Lock

from refervid.core.files import set_aside, storing_in
from refervid.engines.llm.model import Prompt, Reply

log = logging.getLogger(__name__)


class AnswerCache:
    """A SQLite file, safe for threads and processes. Only usable answers are ever put in.

    A damaged file is kept under another name, and a new one begun. All methods raise `StorageFailed` where
    the file cannot be written, because its disk is full, or it has been in use for too long.
    """

    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        self._lock = Lock()
        with self._storing():
            self._begin(path)

    def _begin(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._database = _open(path)
        except sqlite3.OperationalError:  # the disk is full, the file is in use: it is not damaged
            raise
        except sqlite3.DatabaseError as error:
            aside = set_aside(path)
            log.warning(
                "the language model's answers in %s cannot be read (%s): they are kept as %s, and questions "
                "are asked anew",
                path,
                error,
                aside.name,
            )
            self._database = _open(path)

    def get(self, model: str, prompt: Prompt) -> Reply | None:
        with self._storing(), self._lock:
            row = self._database.execute(
                "select reply, input_tokens, output_tokens from answers where key = ?", (key(model, prompt),)
            ).fetchone()
        return None if row is None else Reply(*row)

    def holds(self, model: str) -> bool:
        """Whether there is any answer of `model`."""
        with self._storing(), self._lock:
            found = self._database.execute(
                "select 1 from answers where model = ? limit 1", (model,)
            ).fetchone()
        return found is not None

    def put(self, model: str, prompt: Prompt, reply: Reply) -> None:
        with self._storing(), self._lock, self._database:
            self._database.execute(
                "insert or replace into answers "
                "(key, model, prompt_version, reply, input_tokens, output_tokens) values (?, ?, ?, ?, ?, ?)",
                (
                    key(model, prompt),
                    model,
                    prompt.version,
                    reply.text,
                    reply.input_tokens,
                    reply.output_tokens,
                ),
            )

    def _storing(self) -> AbstractContextManager[None]:
        return storing_in(self._folder, "REFERVID_CACHE")


def _open(path: Path) -> sqlite3.Connection:
    """Raises `sqlite3.DatabaseError` for a damaged file."""
    database = sqlite3.connect(path, timeout=30, check_same_thread=False)
    try:
        with database:
            database.execute(
                "create table if not exists answers "
                "(key text primary key, model text, prompt_version text, reply text, "
                "input_tokens integer, output_tokens integer, asked_at text default current_timestamp)"
            )
        [found] = database.execute("pragma quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
    except sqlite3.Error:
        database.close()
        raise
    return database


def key(model: str, prompt: Prompt) -> str:
    """Changes with the model's name and with anything that it is shown or asked."""
    picture = hashlib.sha256(prompt.jpeg).hexdigest()
    content = [model, prompt.version, prompt.text, picture, prompt.schema, prompt.detail]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
