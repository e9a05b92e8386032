"""Any server that speaks the OpenAI chat protocol: hosted ones, vLLM, Ollama, LM Studio, llama.cpp."""

from __future__ import annotations

import base64
import ipaddress
import os
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from refervid.core.errors import (
    ChooserError,
    ChooserUnavailable,
    MissingExtra,
    RemoteNotAllowed,
    ReplyFiltered,
    ServerFailed,
)
from refervid.engines.llm.completion import Completion, parse_completion, reply_of
from refervid.engines.llm.model import Prices, Prompt, QuestionRefused, Reply
from refervid.engines.llm.replies import shown

SCHEMA_REFUSALS = (400, 422, 500, 501)
"""How servers answer that do not know JSON schemas."""


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
    `key_variable`; servers on this machine need none.

    Pictures go to that address and to no other: redirections are not followed, and what is on this machine
    is not asked through a proxy. JSON schemas are tried once and left out if the server refuses them. Raises
    `RemoteNotAllowed` for an address beyond loopback unless `allow_remote`, `MissingExtra` without the openai
    package.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        setting: str,
        key_variable: str,
        allow_remote: bool,
        timeout_s: float,
        retries: int,
        max_tokens: int | None,
        temperature: float | None,
        seed: int | None,
        prices: Prices | None,
    ) -> None:
        try:
            import openai
        except ImportError as error:
            raise MissingExtra(
                "a language model is asked through the package openai: pip install 'refervid[llm]'"
            ) from error
        if not is_loopback(base_url) and not allow_remote:
            raise RemoteNotAllowed(
                f"frames would be sent to {urlsplit(base_url).hostname}: add --allow-remote if you agree, "
                "or use a server on this machine"
            )
        self._key_variable = key_variable
        self._key = os.environ.get(key_variable, "")
        self._openai = openai
        # The environment may name a proxy.
        direct = openai.DefaultHttpxClient(follow_redirects=False, trust_env=not is_loopback(base_url))
        self._client = openai.OpenAI(
            base_url=base_url,
            api_key=self._key or "none",
            timeout=timeout_s,
            max_retries=retries,
            http_client=direct,
        )
        self.prices = prices
        self._model, self._setting = model, setting
        self._address = base_url
        sampling = {"max_tokens": max_tokens, "temperature": temperature, "seed": seed}
        self._sampling = {name: value for name, value in sampling.items() if value is not None}
        self._takes_schemas = True
        settings = "".join(f" {name}={value}" for name, value in self._sampling.items())
        self.name = f"{model} at {base_url}{settings}"

    def reply(self, prompt: Prompt) -> Reply:
        """One request; the SDK repeats it after 429, 5xx and time-outs."""
        try:
            completion = self._complete(prompt)
        except self._openai.APIStatusError as error:
            raise self._status_failure(error) from None  # it may repeat the key
        except self._openai.APIConnectionError as error:
            raise self._connection_failure(error) from error
        except (self._openai.OpenAIError, ValueError) as error:
            raise ServerFailed(
                f"{self._address} sent no chat completion ({self._without_key(str(error))}): resume to try "
                "again, or name a chat server with --set chooser.base_url=URL"
            ) from None
        return reply_of(completion)

    def _complete(self, prompt: Prompt) -> Completion:
        if prompt.schema is not None and self._takes_schemas:
            try:
                return self._request(prompt, prompt.schema)
            except self._openai.APIStatusError as error:
                if error.status_code not in SCHEMA_REFUSALS or _is_filtered(error):
                    raise
            completion = self._request(prompt)
            self._takes_schemas = False  # without one the same question is answered
            return completion
        return self._request(prompt)

    def _request(self, prompt: Prompt, schema: Mapping[str, Any] | None = None) -> Completion:
        """Raises the SDK's errors, and `ValueError` where the answer is no completion."""
        picture = {"url": "data:image/jpeg;base64," + base64.b64encode(prompt.jpeg).decode("ascii")}
        if prompt.detail is not None:
            picture["detail"] = prompt.detail
        options: dict[str, Any] = dict(self._sampling)
        if schema is not None:
            form = {"name": "answer", "strict": True, "schema": schema}
            options["response_format"] = {"type": "json_schema", "json_schema": form}
        content = [{"type": "text", "text": prompt.text}, {"type": "image_url", "image_url": picture}]
        response = self._client.chat.completions.with_raw_response.create(
            model=self._model, messages=[{"role": "user", "content": content}], **options
        )
        return parse_completion(response.content)

    def _status_failure(self, error: Any) -> ChooserError:
        words = self._without_key(error.message)
        match error.status_code:
            case 400 if _is_filtered(error):
                return ReplyFiltered("a content filter stopped the question")
            case 400:
                return QuestionRefused(f"{self._address} refuses the question ({words})")
            case 401 | 403:
                return ChooserUnavailable(
                    f"{self._address} does not accept the key: check the environment variable "
                    f"{self._key_variable}"
                )
            case 404:
                return ChooserUnavailable(
                    f"{self._address} has no model {self._model!r} (any more): name one that it serves with "
                    f"--set {self._setting}=NAME{self._served()}"
                )
            case status if status < 400:
                elsewhere = self._without_key(error.response.headers.get("location", "another address"))
                return ChooserUnavailable(
                    f"{self._address} sends questions on to {elsewhere}, and pictures do not follow: name "
                    "the server that answers with --set chooser.base_url=URL"
                )
            case status:
                return ServerFailed(f"{self._address} answered {status} ({words}): resume to try again")

    def _connection_failure(self, error: Any) -> ChooserError:
        if isinstance(error, self._openai.APITimeoutError):
            return ServerFailed(
                f"{self._address} did not answer in time: raise chooser.timeout_s, or resume later"
            )
        # By its name, since the SDK's versions use different HTTP clients.
        if type(error.__cause__).__name__ == "ConnectError":
            return ChooserUnavailable(
                f"nothing answers at {self._address}: start the server, or name another with --set "
                "chooser.base_url=URL"
            )
        return ServerFailed(
            f"{self._address} broke off its answer ({self._without_key(str(error.__cause__))}): resume to "
            "try again"
        )

    def _served(self) -> str:
        """The models that the server says it has."""
        try:
            listed = self._client.with_options(max_retries=0).models.with_raw_response.list()
            names = [model.id for model in _Models.model_validate_json(listed.content).data]
        except (self._openai.OpenAIError, ValueError):
            return ""
        return f"; it has {shown(', '.join(names[:20]))}" if names else ""

    def _without_key(self, message: str) -> str:
        """Servers like to repeat what they were sent."""
        return shown(message.replace(self._key, "***") if self._key else message)


def _is_filtered(error: Any) -> bool:
    """Whether the question was stopped by a content filter; Azure's servers tell so by a 400."""
    return error.status_code == 400 and "content_filter" in f"{error.code} {error.message}"
