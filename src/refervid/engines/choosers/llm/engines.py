"""The two kinds of the language-model chooser: a server, or a model in this process."""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import ClassVar, Literal, Self

from pydantic import Field

from refervid.engines.base import EngineSettings, Runtime
from refervid.engines.choosers.llm.cache import AnswerCache
from refervid.engines.choosers.llm.chooser import Form, LanguageModelChooser
from refervid.engines.choosers.llm.local import LocalModel
from refervid.engines.choosers.llm.server import ServerModel, answers, is_loopback
from refervid.engines.choosers.llm.spending import Ledger, Prices
from refervid.engines.weights import missing_weights


class LanguageModelSettings(EngineSettings):
    """What both kinds share.

    `form`: "json" asks for a JSON object, "brackets" for the published number in square brackets.
    `several` allows a sentence to mean several things. `replay` answers from the cache alone.
    """

    form: Form = "json"
    several: bool = True
    replay: bool = False
    max_tokens: int | None = Field(None, ge=16)


class ServerChooserSettings(LanguageModelSettings):
    """`box_model` answers the question about boxes, by default the same as `model`; `*_detail` is the
    picture detail of OpenAI's servers. `max_cost` in US dollars with `prices` per million tokens.
    """

    kind: Literal["server"] = "server"
    base_url: str = "http://127.0.0.1:11434/v1"
    model: str = "qwen3-vl:8b"
    box_model: str | None = None
    frame_detail: str | None = None
    box_detail: str | None = None
    key_variable: str = "OPENAI_API_KEY"
    temperature: float | None = Field(0.0, ge=0, le=2)
    seed: int | None = 0
    timeout_s: float = Field(120.0, gt=0)
    retries: int = Field(3, ge=0)
    concurrency: int = Field(4, ge=1)
    prices: Prices = Prices()
    max_cost: float | None = Field(None, ge=0)


class ServerChooser(LanguageModelChooser):
    """Asks a server that speaks the OpenAI chat protocol."""

    Settings: ClassVar[type[EngineSettings]] = ServerChooserSettings

    @classmethod
    def missing(cls, settings: ServerChooserSettings) -> list[str]:
        lacks = []
        if find_spec("openai") is None:
            lacks.append("package openai (pip install 'refervid[llm]')")
        if not is_loopback(settings.base_url) and not os.environ.get(settings.key_variable):
            lacks.append(f"a key in the environment variable {settings.key_variable}")
        if is_loopback(settings.base_url) and not answers(settings.base_url):
            lacks.append(f"a server at {settings.base_url} (start one, or set chooser.base_url)")
        return lacks

    @classmethod
    def build(cls, settings: ServerChooserSettings, runtime: Runtime) -> Self:
        def model(name: str) -> ServerModel:
            return ServerModel(
                settings.base_url,
                name,
                key_variable=settings.key_variable,
                allow_remote=runtime.allow_remote,
                timeout_s=settings.timeout_s,
                retries=settings.retries,
                max_tokens=settings.max_tokens,
                temperature=settings.temperature,
                seed=settings.seed,
            )

        return cls(
            model(settings.model),
            model(settings.box_model or settings.model),
            AnswerCache(runtime.cache / "answers.sqlite"),
            Ledger(settings.prices, settings.max_cost),
            form=settings.form,
            several=settings.several,
            concurrency=settings.concurrency,
            replay=settings.replay,
            detail=(settings.frame_detail, settings.box_detail),
        )


class LocalChooserSettings(LanguageModelSettings):
    """`weights` is a hub id or a folder of a vision-language model."""

    kind: Literal["local"] = "local"
    weights: str = "Qwen/Qwen3-VL-4B-Instruct"
    revision: str | None = None


class LocalChooser(LanguageModelChooser):
    """Runs a vision-language model in this process."""

    Settings: ClassVar[type[EngineSettings]] = LocalChooserSettings
    _MAX_TOKENS = 1024

    @classmethod
    def missing(cls, settings: LocalChooserSettings) -> list[str]:
        return missing_weights(settings.weights, settings.revision)

    @classmethod
    def build(cls, settings: LocalChooserSettings, runtime: Runtime) -> Self:
        tokens = settings.max_tokens or cls._MAX_TOKENS
        model = LocalModel.load(settings.weights, settings.revision, runtime, tokens)
        answers = AnswerCache(runtime.cache / "answers.sqlite")
        return cls(
            model,
            model,
            answers,
            Ledger(Prices()),
            form=settings.form,
            several=settings.several,
            concurrency=1,
            replay=settings.replay,
        )
