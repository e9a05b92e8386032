"""What a language model is asked, told apart by the prompt's own words, and answers to it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from tests.chat_server import Answer, ChatServer, says

REPLIES: dict[str, Any] = {"frame": 2, "box": 1, "objects": {"dog": 2, "man": 5}, "sounding": 1}
"""By kind of question: a frame's or box's number (-1: none), or names of things with their frames."""


def text_of(body: dict[str, Any]) -> str:
    return str(body["messages"][0]["content"][0]["text"])


def picture_of(body: dict[str, Any]) -> str:
    return str(body["messages"][0]["content"][1]["image_url"]["url"])


def kind_of(body: dict[str, Any]) -> str:
    """ "frame", "box", "objects", "sounding", ...: the name of the prompt that says how to answer."""
    folder = files("refervid.engines.llm") / "prompts"
    forms = [file for file in folder.iterdir() if file.name.endswith((".json.txt", ".brackets.txt"))]
    [name] = {
        file.name.split("-v")[0]
        for file in forms
        if file.read_text("utf-8").strip() in text_of(body).split("\nA first reply could not be used")[0]
    }
    return name


def kinds_asked(server: ChatServer) -> Counter[str]:
    return Counter(kind_of(body) for body in server.requests)


def replying(**changes: Any) -> Callable[[int, dict[str, Any]], Answer]:
    """Answers in the form asked for; `changes` to `REPLIES` may be functions of the request's body."""
    replies = {**REPLIES, **changes}

    def answer(number: int, body: dict[str, Any]) -> Answer:
        kind = kind_of(body)
        reply = replies[kind](body) if callable(replies[kind]) else replies[kind]
        if isinstance(reply, tuple):
            return reply
        return says(_as_json(kind, reply, body) if "response_format" in body else _in_brackets(reply))

    return answer


def _as_json(kind: str, reply: Any, body: dict[str, Any]) -> str:
    schema = body["response_format"]["json_schema"]["schema"]
    content: dict[str, Any] = dict.fromkeys(schema["required"], "...")
    if kind == "objects":
        content["objects"] = [{"name": name, "frame": frame} for name, frame in reply.items()]
    elif "chosen" in content:
        content["chosen"] = reply if isinstance(reply, list) else [number for number in [reply] if number > 0]
    else:
        content[{"frame": "frame", "vision": "number"}.get(kind, "box")] = reply
    return json.dumps(content)


def _in_brackets(reply: Any) -> str:
    if isinstance(reply, dict):
        return "[" + ", ".join(f"'{name}': {frame}" for name, frame in reply.items()) + "]"
    return f"Well. [{reply}]"
