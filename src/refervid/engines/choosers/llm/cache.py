"""Answers that were paid for, kept by content, so that a run can be resumed or replayed offline."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path
from threading import Lock

from refervid.engines.choosers.llm.model import Prompt, Reply


class AnswerCache:
    """A SQLite file, safe for threads and processes. Only usable answers are ever put in."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = Lock()
        self._database = sqlite3.connect(path, timeout=30, check_same_thread=False)
        with self._lock, self._database:
            self._database.execute(
                "create table if not exists answers "
                "(key text primary key, model text, prompt_version text, reply text, "
                "input_tokens integer, output_tokens integer, asked_at text default current_timestamp)"
            )

    def get(self, model: str, prompt: Prompt) -> Reply | None:
        with self._lock:
            row = self._database.execute(
                "select reply, input_tokens, output_tokens from answers where key = ?", (key(model, prompt),)
            ).fetchone()
        return None if row is None else Reply(*row)

    def put(self, model: str, prompt: Prompt, reply: Reply) -> None:
        with self._lock, self._database:
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


def key(model: str, prompt: Prompt) -> str:
    """Changes with the model's name and with anything that it is shown or asked."""
    picture = hashlib.sha256(prompt.jpeg).hexdigest()
    content = [model, prompt.version, prompt.text, picture, prompt.schema, prompt.detail]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
