"""Any server that speaks the OpenAI chat protocol: hosted ones, vLLM, Ollama, LM Studio, llama.cpp."""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import socket
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel

from refervid.core.errors import (
    ChooserError,
    ChooserUnavailable,
    RemoteNotAllowed,
    ReplyFiltered,
    SettingsError,
)
from refervid.engines.llm.completion import parse_completion, reply_of
from refervid.engines.llm.exchange import MOST_BYTES, Answer, Exchange, TooLong
from refervid.engines.llm.model import NoReply, Prices, Prompt, QuestionRefused, Reply
from refervid.engines.llm.replies import shown

SCHEMA_REFUSALS = (400, 422, 500, 501)
"""How servers answer that do not know JSON schemas. 500 may have other reasons, so it settles nothing."""

BUSY = (408, 409, 429)
"""What may pass; as may what is 500 or more."""


def is_loopback(base_url: str) -> bool:
    """Whether the address is this machine itself."""
    host = urlsplit(base_url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def answers(base_url: str) -> bool:
    """Whether anything listens at an address on this machine."""
    address = urlsplit(base_url)
    port = address.port or (443 if address.scheme == "https" else 80)
    try:
        with socket.create_connection((address.hostname or "", port), timeout=0.3):
            return True
    except OSError:
        return False


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    """What a server says it has."""

    data: list[_Model]


class ServerModel:
    """Asks `model`, which `setting` names, at `base_url`. The key comes from the environment variable
    `key_variable`, if any.

    Pictures go to that address and to no other: redirections are not followed, and what is on this machine
    is not asked through a proxy. JSON schemas are tried once and left out if the server refuses them. Raises
    `RemoteNotAllowed` for an address beyond loopback unless `allow_remote`, `SettingsError` for a key that
    cannot be one.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        setting: str,
        key_variable: str | None,
        allow_remote: bool,
        timeout_s: float,
        max_tokens: int | None,
        temperature: float | None,
        seed: int | None,
        prices: Prices | None,
    ) -> None:
        if not is_loopback(base_url) and not allow_remote:
            raise RemoteNotAllowed(
                f"frames would be sent to {urlsplit(base_url).hostname}: add --allow-remote if you agree, "
                "or use a server on this machine"
            )
        self._key_variable = key_variable
        # The environment may name a proxy, and this machine needs none.
        self._server = Exchange(base_url, _key(key_variable), timeout_s, trust_env=not is_loopback(base_url))
        self.prices = prices
        self._model, self._setting = model, setting
        self._address = base_url
        sampling = {"max_tokens": max_tokens, "temperature": temperature, "seed": seed}
        self._sampling = {name: value for name, value in sampling.items() if value is not None}
        self._length = "max_tokens"
        self._takes_schemas = True
        settings = "".join(f" {name}={value}" for name, value in self._sampling.items())
        self.name = f"{model} at {base_url}{settings}"

    def reply(self, prompt: Prompt, most_output: int | None = None) -> Reply:
        """One answer, whole within the time limit."""
        answer = self._ask(prompt, most_output)
        if answer.status != 200:
            raise self._status_failure(answer)
        try:
            return reply_of(parse_completion(answer.words))
        except ValueError as error:
            raise NoReply(
                f"{self._address} sent no chat completion ({shown(str(error))}): resume to try again, or "
                "name a chat server with --set chooser.base_url=URL",
                charged=True,
            ) from None

    def _ask(self, prompt: Prompt, most_output: int | None) -> Answer:
        """In a form that the server takes: some know no schemas, some another word for the length."""
        if prompt.schema is not None and self._takes_schemas:
            answer = self._request(prompt, most_output, prompt.schema)
            if answer.status not in SCHEMA_REFUSALS or _is_filtered(answer):
                return answer
            without = self._request(prompt, most_output)
            # Without one the same question is answered.
            self._takes_schemas = without.status != 200 or answer.status == 500
            return without
        return self._request(prompt, most_output)

    def _request(
        self, prompt: Prompt, most_output: int | None, schema: Mapping[str, Any] | None = None
    ) -> Answer:
        picture = {"url": "data:image/jpeg;base64," + base64.b64encode(prompt.jpeg).decode("ascii")}
        if prompt.detail is not None:
            picture["detail"] = prompt.detail
        content = [{"type": "text", "text": prompt.text}, {"type": "image_url", "image_url": picture}]
        body: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": "user", "content": content}],
            **self._sampling,
        }
        if schema is not None:
            form = {"name": "answer", "strict": True, "schema": schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        longest = min((most for most in (body.pop("max_tokens", None), most_output) if most), default=None)
        if longest is None:
            return self._post(body)
        answer = self._post({**body, self._length: longest})
        if answer.status == 400 and "max_completion_tokens" in answer.words and self._length == "max_tokens":
            self._length = "max_completion_tokens"
            answer = self._post({**body, self._length: longest})
        return answer

    def _post(self, body: Mapping[str, Any]) -> Answer:
        try:
            return self._server.post("/chat/completions", body)
        except TimeoutError:
            raise NoReply(
                f"{self._address} did not answer in time: raise chooser.timeout_s, or resume later",
                again=True,
                charged=True,
            ) from None
        except TooLong:
            raise NoReply(
                f"{self._address} sent more than {MOST_BYTES / 1e6:g} MB in answer to one question: name a "
                "chat server with --set chooser.base_url=URL",
                charged=True,
            ) from None
        except httpx.TransportError as error:
            raise self._line_failure(error) from error

    def _line_failure(self, error: httpx.TransportError) -> ChooserError:
        fault = _tls_fault(error)
        if fault is not None:
            return ChooserUnavailable(
                f"no safe connection to {self._address} ({shown(fault)}): check the address, or name the "
                "file with its authority's certificate in the environment variable SSL_CERT_FILE"
            )
        if isinstance(error, httpx.ConnectError):
            return ChooserUnavailable(
                f"nothing answers at {self._address}: start the server, or name another with --set "
                "chooser.base_url=URL"
            )
        return NoReply(
            f"{self._address} broke off its answer ({shown(str(error))}): resume to try again",
            again=True,
            charged=True,
        )

    def _status_failure(self, answer: Answer) -> ChooserError:
        words = shown(_message(answer))
        match answer.status:
            case 400 if _is_filtered(answer):
                return ReplyFiltered("a content filter stopped the question")
            case 400:
                return QuestionRefused(f"{self._address} refuses the question ({words})")
            case 401 | 403:
                return ChooserUnavailable(self._key_failure())
            case 404:
                return ChooserUnavailable(
                    f"{self._address} has no model {self._model!r} (any more): name one that it serves with "
                    f"--set {self._setting}=NAME{self._served()}"
                )
            case status if 300 <= status < 400:
                elsewhere = shown(answer.location) or "another address"
                return ChooserUnavailable(
                    f"{self._address} sends questions on to {elsewhere}, and pictures do not follow: name "
                    "the server that answers with --set chooser.base_url=URL"
                )
            case status:
                return NoReply(
                    f"{self._address} answered {status} ({words}): resume to try again",
                    again=status in BUSY or status >= 500,
                    pause_s=answer.pause_s,
                )

    def _key_failure(self) -> str:
        if self._key_variable is None:
            return (
                f"{self._address} wants a key, and a server on this machine gets none unasked: name the "
                "environment variable that holds it, as in --set chooser.key_variable=OPENAI_API_KEY"
            )
        return f"{self._address} does not accept the key: check the environment variable {self._key_variable}"

    def _served(self) -> str:
        """The models that the server says it has."""
        try:
            listed = self._server.get("/models")
            names = [model.id for model in _Models.model_validate_json(listed.words).data]
        except (TimeoutError, TooLong, httpx.TransportError, ValueError):
            return ""
        return f"; it has {shown(', '.join(names[:20]))}" if names else ""


def _key(variable: str | None) -> str:
    """The credentials in an environment variable, "" without. Raises `SettingsError`, which tells nothing
    of them."""
    key = os.environ.get(variable, "").strip() if variable else ""
    if not (key.isascii() and key.isprintable()):
        raise SettingsError(f"the environment variable {variable} holds characters that no key has")
    return key


def _message(answer: Answer) -> str:
    """What a server says of an error, in whatever form."""
    try:
        error = json.loads(answer.words)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, RecursionError, LookupError, TypeError):
        return answer.words


def _is_filtered(answer: Answer) -> bool:
    """Whether the question was stopped by a content filter; Azure's servers tell so by a 400."""
    return answer.status == 400 and "content_filter" in answer.words


def _tls_fault(error: BaseException) -> str | None:
    """Why there is no encrypted connection, where that is the reason."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return str(cause)
        cause = cause.__cause__ or cause.__context__
    return None
