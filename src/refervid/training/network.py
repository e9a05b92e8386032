"""The network that a recipe asks for, and its parameters in groups."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import nn

from refervid.models.soc import SOC, InputSize, SocConfig, common_words, load, load_published
from refervid.models.soc.checkpoint import load_kinetics, load_roberta, with_new_classes
from refervid.training.recipe import NetworkSettings, Rates, Recipe


def build_network(recipe: Recipe, texts: Iterable[str]) -> SOC:
    """Initialised as the recipe says; `texts` give the vocabulary of the nano size.

    Raises `MissingWeights`, `BadCheckpoint`.
    """
    network = _start(recipe.network, texts)
    network.config = network.config.model_copy(update={"size": InputSize(recipe.short, recipe.long)})
    return network


def _start(settings: NetworkSettings, texts: Iterable[str]) -> SOC:
    if settings.weights is not None:
        own = settings.weights.suffix == ".safetensors"
        start = load(settings.weights) if own else load_published(settings.weights)
        return with_new_classes(start, settings.classes)
    if settings.size == "nano":
        config = SocConfig.nano(common_words(texts), settings.classes)
    else:
        config = SocConfig.preset(settings.size, settings.classes)
    network = SOC(config if settings.voc else config.model_copy(update={"voc": None}))
    if settings.kinetics is not None:
        load_kinetics(network, settings.kinetics)
    if settings.roberta:
        load_roberta(network)
    return network


def parameter_groups(network: SOC, rates: Rates) -> list[dict[str, Any]]:
    """Groups for the optimiser, each with its `lr`: names with `backbone`, with `text_encoder`, the rest.

    Without a rate the text encoder is frozen; as published its dropout stays active.
    """
    groups: dict[str, list[nn.Parameter]] = {"main": [], "backbone": [], "text": []}
    for name, parameter in network.named_parameters():
        if "backbone" in name:
            groups["backbone"].append(parameter)
        elif "text_encoder" in name:
            parameter.requires_grad_(rates.text is not None)
            groups["text"].append(parameter)
        else:
            groups["main"].append(parameter)
    rate_of = {"main": rates.main, "backbone": rates.backbone, "text": rates.text}
    return [
        {"params": parameters, "lr": rate_of[name], "name": name}
        for name, parameters in groups.items()
        if rate_of[name] is not None
    ]
