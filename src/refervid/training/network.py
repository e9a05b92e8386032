"""The network that a recipe asks for, and its parameters in groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

from refervid.config.overrides import merged
from refervid.config.problems import checked
from refervid.core.errors import SettingsError
from refervid.engines.hub.weights import find_weights
from refervid.models.soc import SOC, InputSize, SocConfig, common_words
from refervid.models.soc.checkpoint import load_backbone, load_roberta, with_new_classes
from refervid.pipelines.soc import load_network
from refervid.training.recipe import NetworkSettings, Rates, Recipe

_PARTS = {"backbone": "backbone", "text_encoder": "text"}


def build_network(recipe: Recipe, texts: Iterable[str]) -> SOC:
    """Initialised as the recipe says; `texts` give the vocabulary of the nano size.

    Raises `MissingWeights`, `BadCheckpoint`, `SettingsError`.
    """
    network = _start(recipe.network, texts)
    network.config = network.config.model_copy(update={"size": InputSize(recipe.short, recipe.long)})
    return network


def _start(settings: NetworkSettings, texts: Iterable[str]) -> SOC:
    if settings.weights is not None:
        return _loaded(settings.weights, settings)
    assert settings.size is not None
    network = SOC(_changed(_config(settings.size, texts, settings.classes), settings))
    if settings.backbone is not None:
        load_backbone(network, find_weights(str(settings.backbone)))
    if settings.roberta:
        load_roberta(network, find_weights)
    return network


def _changed(config: SocConfig, settings: NetworkSettings) -> SocConfig:
    """Raises `SettingsError` for sizes that there are not."""
    if not settings.voc:
        config = config.model_copy(update={"voc": None})
    return checked(SocConfig, merged(config.model_dump(), settings.config), prefix="network.config.")


def _loaded(weights: str, settings: NetworkSettings) -> SOC:
    network = load_network(weights)
    config = network.config
    if settings.size is not None and config.backbone != _config(settings.size).backbone:
        raise SettingsError(
            f"{weights} holds no network of size {settings.size}: leave network.size out, or name weights "
            "of that size"
        )
    if settings.voc != (config.voc is not None):
        raise SettingsError(f"{weights} contradicts network.voc: set it to {str(not settings.voc).lower()}")
    if settings.new_classes:
        return with_new_classes(network, settings.classes)
    if config.classes != settings.classes:
        raise SettingsError(
            f"{weights} has {config.classes} classes, the recipe {settings.classes}: "
            "set network.new_classes to true"
        )
    return network


def _config(size: str, texts: Iterable[str] = (), classes: int = 1) -> SocConfig:
    return SocConfig.nano(common_words(texts), classes) if size == "nano" else SocConfig.preset(size, classes)


def parameter_groups(network: SOC, rates: Rates) -> list[dict[str, Any]]:
    """Groups for the optimiser, each with its `lr`; parameters without a rate are frozen.

    As published the dropout of a frozen part stays active. Raises `SettingsError` if nothing is left.
    """
    groups: dict[str, list[nn.Parameter]] = {part: [] for part in Rates.model_fields}
    for name, parameter in network.named_parameters():
        part = _PARTS.get(name.split(".")[0], "main")
        parameter.requires_grad_(getattr(rates, part) is not None)
        groups[part].append(parameter)
    trained = [
        {"params": parameters, "lr": getattr(rates, part), "name": part}
        for part, parameters in groups.items()
        if parameters and getattr(rates, part) is not None
    ]
    if not trained:
        raise SettingsError("nothing is left to train: give a part of the network a rate (`rates`)")
    return trained
