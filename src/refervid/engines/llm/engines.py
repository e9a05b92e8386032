"""The two kinds of the language-model chooser: a server, or a model in this process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, HttpUrl, TypeAdapter, ValidationError, computed_field, field_validator

from refervid.core.errors import ChooserUnavailable, SettingsError
from refervid.core.types import Spending
from refervid.engines.base import EngineSettings, PlannedQuestions, Runtime, Weights
from refervid.engines.hub.weights import missing_weights
from refervid.engines.llm.asking import Inquiry
from refervid.engines.llm.cache import AnswerCache
from refervid.engines.llm.chooser import LanguageModelChooser
from refervid.engines.llm.local import LocalModel
from refervid.engines.llm.model import FREE, Prices
from refervid.engines.llm.prices import list_price
from refervid.engines.llm.server import ServerModel, answers, is_loopback
from refervid.engines.llm.spending import Ledger, estimate
from refervid.engines.llm.vision import SIZE
from refervid.engines.llm.wording import Form, Wording

DEFAULT_URL = "http://127.0.0.1:11434/v1"
"""Ollama's."""


class LanguageModelSettings(EngineSettings):
    """What both kinds share.

    `form`: "json" asks for a JSON object, "brackets" for the published number in square brackets.
    `several` allows a sentence to mean several things. `replay` answers from the cache alone. `prompts`:
    "paper" asks no more than AL-Ref-SAM 2 does; a folder has files to be asked in place of those in
    `refervid/engines/llm/prompts`, of the same names and with the same placeholders; what is in all files a
    run keeps as its `prompts_digest`. With `correct` an unusable reply is answered by one further question
    (published: it counts as none). An answer may have `max_tokens`; None: 1024 in this
    process, and as many as it gives by a server.
    """

    form: Form = "json"
    several: bool = True
    replay: bool = False
    prompts: Literal["paper"] | Path | None = None
    correct: bool = True
    max_tokens: int | None = Field(None, ge=16)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def prompts_digest(self) -> str:
        """Raises `SettingsError` for prompts that cannot be asked."""
        return self.words.digest

    @property
    def words(self) -> Wording:
        return Wording(self.prompts)


class ServerChooserSettings(LanguageModelSettings):
    """`box_model` answers the questions about boxes, by default the same as `model`; `*_detail` is the
    picture detail of OpenAI's servers. `key_variable` names the environment variable with the key, by default
    OPENAI_API_KEY, and none for a server on this machine; a value with a scheme of its own, as in
    "Basic dXNlcjpwdw==", is sent as it is. `base_url` is where the protocol's paths begin; `temperature` and
    `seed` are sent unless None. `timeout_s` is for a whole answer, what gets none is asked `retries` times
    more, and `concurrency` questions are on their way at a time. `prices` and `box_prices` are
    what the models charge, where it is not known here. With `probe` the models are first asked to read a
    number from a picture: some servers drop pictures silently.
    """

    kind: Literal["server"] = "server"
    base_url: str = DEFAULT_URL
    model: str = "qwen3-vl:8b"
    box_model: str | None = None
    frame_detail: str | None = None
    box_detail: str | None = None
    key_variable: str | None = Field(None, exclude=True)
    temperature: float | None = Field(0.0, ge=0, le=2)
    seed: int | None = 0
    timeout_s: float = Field(120.0, gt=0, exclude=True)
    retries: int = Field(3, ge=0, exclude=True)
    concurrency: int = Field(4, ge=1, exclude=True)
    probe: bool = Field(True, exclude=True)
    prices: Prices | None = Field(None, exclude=True)
    box_prices: Prices | None = Field(None, exclude=True)

    @field_validator("base_url")
    @classmethod
    def _in_full(cls, url: str) -> str:
        """As an address is written in full, so that everyone who reads it finds the same host in it, and
        nobody a password: addresses stand in answers, reports and logs."""
        try:
            address = TypeAdapter(HttpUrl).validate_python(url)
        except ValidationError as error:
            fault = error.errors()[0]["msg"]
            raise ValueError(f"this is no address ({fault}): give one like {DEFAULT_URL}") from None
        if address.username or address.password or address.query or address.fragment:
            raise ValueError(
                f"an address is all that stands here, like {DEFAULT_URL}: put a password or key into an "
                "environment variable, which chooser.key_variable names"
            )
        return str(address)

    @property
    def key_name(self) -> str | None:
        """The environment variable whose value the server gets."""
        return self.key_variable or (None if is_loopback(self.base_url) else "OPENAI_API_KEY")

    @property
    def models(self) -> tuple[tuple[str, Prices | None], tuple[str, Prices | None]]:
        """Names and prices of the models that are asked about frames and about boxes."""
        frame = self.model, self.prices or list_price(self.model, self.base_url)
        if self.box_model is None:
            return frame, frame
        return frame, (self.box_model, self.box_prices or list_price(self.box_model, self.base_url))


class ServerChooser(LanguageModelChooser):
    """Asks a server that speaks the OpenAI chat protocol."""

    Settings: ClassVar[type[EngineSettings]] = ServerChooserSettings

    @classmethod
    def missing(cls, settings: ServerChooserSettings) -> list[str]:
        if settings.replay:
            return []
        lacks = []
        if not is_loopback(settings.base_url) and not _has_key(settings):
            lacks.append(
                f"a key for {urlsplit(settings.base_url).hostname} in the environment variable "
                f"{settings.key_name}"
            )
        if is_loopback(settings.base_url) and not answers(settings.base_url):
            lacks.append(
                f"a language model's server at {settings.base_url} (start one, such as Ollama with "
                f"{settings.model}; or name yours with --set chooser.base_url=URL --set chooser.model=NAME; "
                "or run a model in this process with --set chooser.kind=local)"
            )
        return lacks

    @classmethod
    def estimate(cls, settings: ServerChooserSettings, questions: Sequence[PlannedQuestions]) -> Spending:
        frame, box = settings.models
        probes = [PlannedQuestions("vision", len({frame[0], box[0]}), *SIZE)] if settings.probe else []
        return estimate([*questions, *probes], frame, box, settings.words)

    @classmethod
    def build(cls, settings: ServerChooserSettings, runtime: Runtime) -> Self:
        unpriced = [name for name, prices in settings.models if prices is None]
        if runtime.max_cost is not None and unpriced:
            raise SettingsError(
                f"--max-cost cannot be kept, since the price of {unpriced[0]!r} is not known here: give both "
                "chooser.prices.input and chooser.prices.output, in US dollars per million tokens (with "
                "--set; chooser.box_prices for chooser.box_model)"
            )

        remote = not is_loopback(settings.base_url)
        if remote and not settings.replay and not _has_key(settings):
            raise ChooserUnavailable(
                f"{settings.base_url} needs a key: set the environment variable {settings.key_name}"
            )

        def model(name: str, prices: Prices | None, setting: str) -> ServerModel:
            return ServerModel(
                settings.base_url,
                name,
                setting=setting,
                key_variable=settings.key_name,
                allow_remote=runtime.allow_remote or settings.replay,  # a replay sends nothing
                timeout_s=settings.timeout_s,
                max_tokens=settings.max_tokens,
                temperature=settings.temperature,
                seed=settings.seed,
                prices=prices,
            )

        frame, box = settings.models
        return cls(
            model(*frame, "chooser.model"),
            model(*box, "chooser.box_model" if settings.box_model else "chooser.model"),
            _inquiry(runtime, settings, settings.retries),
            settings.words,
            form=settings.form,
            several=settings.several,
            concurrency=settings.concurrency,
            probe=settings.probe,
            detail=(settings.frame_detail, settings.box_detail),
        )


class LocalChooserSettings(LanguageModelSettings):
    """`weights` is a hub id or a folder of a vision-language model."""

    kind: Literal["local"] = "local"
    weights: Weights = "Qwen/Qwen3-VL-4B-Instruct"
    revision: str | None = None


class LocalChooser(LanguageModelChooser):
    """Runs a vision-language model in this process."""

    Settings: ClassVar[type[EngineSettings]] = LocalChooserSettings
    _MAX_TOKENS = 1024

    @classmethod
    def missing(cls, settings: LocalChooserSettings) -> list[str]:
        return missing_weights(settings.weights, settings.revision)

    @classmethod
    def estimate(cls, settings: LocalChooserSettings, questions: Sequence[PlannedQuestions]) -> Spending:
        return estimate(questions, (settings.weights, FREE), (settings.weights, FREE), settings.words)

    @classmethod
    def build(cls, settings: LocalChooserSettings, runtime: Runtime) -> Self:
        tokens = settings.max_tokens or cls._MAX_TOKENS
        model = LocalModel.load(settings.weights, settings.revision, runtime, tokens)
        return cls(
            model,
            model,
            _inquiry(runtime, settings),
            settings.words,
            form=settings.form,
            several=settings.several,
            concurrency=1,
        )


def _has_key(settings: ServerChooserSettings) -> bool:
    return bool(settings.key_name and os.environ.get(settings.key_name))


def _inquiry(runtime: Runtime, settings: LanguageModelSettings, retries: int = 0) -> Inquiry:
    answers, ledger = AnswerCache(runtime.cache / "answers.sqlite"), Ledger(runtime.max_cost)
    return Inquiry(answers, ledger, replay=settings.replay, correct=settings.correct, retries=retries)
