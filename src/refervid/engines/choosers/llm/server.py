"""Any server that speaks the OpenAI chat protocol: hosted ones, vLLM, Ollama, LM Studio, llama.cpp."""

from __future__ import annotations

import base64
import ipaddress
import os
import socket
from typing import Any
from urllib.parse import urlsplit

from refervid.engines.choosers.llm.model import Prices, Prompt, Reply
from refervid.errors import (
    ChooserUnavailable,
    MissingExtra,
    RemoteNotAllowed,
    ReplyCut,
    ReplyEmpty,
    ReplyFiltered,
    ReplyOnlyThought,
    ReplyRefused,
    ServerFailed,
    SettingsError,
)


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


class ServerModel:
    """Asks `model` at `base_url`. The key comes from the environment variable `key_variable`; servers on
    this machine need none.

    JSON schemas are tried once and left out if the server refuses them. Raises `RemoteNotAllowed` for an
    address beyond loopback unless `allow_remote`, `MissingExtra` without the openai package.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
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
        if urlsplit(base_url).scheme not in ("http", "https"):
            raise SettingsError(f"chooser.base_url={base_url!r}: give an address that starts with http(s)://")
        if not is_loopback(base_url) and not allow_remote:
            raise RemoteNotAllowed(
                f"frames would be sent to {urlsplit(base_url).hostname}: add --allow-remote if you agree, "
                "or use a server on this machine"
            )
        self._key_variable = key_variable
        self._key = os.environ.get(key_variable, "")
        self._openai = openai
        self._client = openai.OpenAI(
            base_url=base_url, api_key=self._key or "none", timeout=timeout_s, max_retries=retries
        )
        self.prices = prices
        self._model = model
        self._address = base_url
        sampling = {"max_tokens": max_tokens, "temperature": temperature, "seed": seed}
        self._sampling = {name: value for name, value in sampling.items() if value is not None}
        self._takes_schemas = True
        settings = "".join(f" {name}={value}" for name, value in self._sampling.items())
        self.name = f"{model} at {base_url}{settings}"

    def reply(self, prompt: Prompt) -> Reply:
        """One request; the SDK repeats it after 429, 5xx and time-outs."""
        if prompt.schema is not None and self._takes_schemas:
            try:
                return self._read(self._request(prompt, with_schema=True))
            except self._openai.BadRequestError:
                self._takes_schemas = False
        try:
            return self._read(self._request(prompt, with_schema=False))
        except self._openai.BadRequestError as error:
            raise ChooserUnavailable(
                f"{self._address} refuses the question ({self._without_key(error.message)}): "
                f"{self._model!r} may not take pictures; choose a model with vision "
                "(--set chooser.model=NAME)"
            ) from None

    def _request(self, prompt: Prompt, *, with_schema: bool) -> Any:
        picture = {"url": "data:image/jpeg;base64," + base64.b64encode(prompt.jpeg).decode("ascii")}
        if prompt.detail is not None:
            picture["detail"] = prompt.detail
        options: dict[str, Any] = dict(self._sampling)
        if with_schema:
            form = {"name": "answer", "strict": True, "schema": prompt.schema}
            options["response_format"] = {"type": "json_schema", "json_schema": form}
        content = [{"type": "text", "text": prompt.text}, {"type": "image_url", "image_url": picture}]
        try:
            return self._client.chat.completions.create(
                model=self._model, messages=[{"role": "user", "content": content}], **options
            )
        except self._openai.BadRequestError:
            raise
        except (self._openai.AuthenticationError, self._openai.PermissionDeniedError):
            raise ChooserUnavailable(
                f"{self._address} does not accept the key: check the environment variable "
                f"{self._key_variable}"
            ) from None
        except self._openai.NotFoundError as error:
            raise ChooserUnavailable(
                f"{self._address} has no model {self._model!r}: name one that it serves with --set "
                f"chooser.model=NAME{self._served()}"
            ) from error
        except self._openai.APITimeoutError as error:
            raise ServerFailed(
                f"{self._address} did not answer in time: raise chooser.timeout_s, or resume later"
            ) from error
        except self._openai.APIConnectionError as error:
            raise ChooserUnavailable(
                f"nothing answers at {self._address}: start the server, or name another with --set "
                "chooser.base_url=URL"
            ) from error
        except self._openai.APIStatusError as error:
            raise ServerFailed(
                f"{self._address} answered {error.status_code} ({self._without_key(error.message)}): "
                "resume to try again"
            ) from None
        except (self._openai.OpenAIError, ValueError) as error:
            raise ServerFailed(
                f"{self._address} sent no valid answer ({type(error).__name__}): is it a chat server?"
            ) from error

    def _read(self, completion: Any) -> Reply:
        """The words of the first choice; each way of having none is an error of its own."""
        choices = getattr(completion, "choices", None)
        if not choices or choices[0] is None:
            raise ReplyEmpty("the server sent no choice")
        choice = choices[0]
        message = choice.message
        if choice.finish_reason == "content_filter":
            raise ReplyFiltered("a content filter stopped the answer")
        if message is None:
            raise ReplyEmpty("the server sent no message")
        if getattr(message, "refusal", None):
            raise ReplyRefused(f"the model refuses: {str(message.refusal)[:200]}")
        if choice.finish_reason == "length":
            raise ReplyCut("the answer was cut off by the length limit: raise chooser.max_tokens")
        text = message.content
        if not isinstance(text, str) or not text.strip():
            if getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None):
                raise ReplyOnlyThought("the model thought, and gave no answer")
            raise ReplyEmpty("the answer has no words")
        if text.strip().startswith("<think>") and not text.split("</think>")[-1].strip():
            raise ReplyOnlyThought("the model thought, and gave no answer")
        usage = completion.usage
        tokens = (usage.prompt_tokens, usage.completion_tokens) if usage else (0, 0)
        return Reply(text, *tokens)

    def _served(self) -> str:
        """The models that the server says it has."""
        try:
            listed = self._client.with_options(max_retries=0).models.list()
            names = [str(model.id) for model in listed.data]
        except self._openai.OpenAIError:
            return ""
        return f"; it has {', '.join(names[:20])}" if names else ""

    def _without_key(self, message: str) -> str:
        """Servers like to repeat what they were sent."""
        return (message.replace(self._key, "***") if self._key else message)[:200]
