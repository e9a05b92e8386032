"""What the files hold that engines load, for the plan of a run."""

from __future__ import annotations

from pydantic import BaseModel

from refervid.config.environment import Environment
from refervid.core.digests import digests_in
from refervid.core.errors import MissingWeights
from refervid.engines.base import loaded_by
from refervid.engines.hub.weights import find_weights


def loaded_digests(*settings: BaseModel) -> dict[str, str | None]:
    """The `weights_digest` of everything that settings name."""
    return {
        name: weights_digest(name, getattr(each, "revision", None))
        for each in settings
        for name in loaded_by(each)
    }


def weights_digest(weights: str, revision: str | None = None) -> str | None:
    """Of the file or folder that `find_weights` finds; None if it is not on this machine."""
    try:
        return digests_in(Environment().cache).of(find_weights(weights, revision))
    except MissingWeights:
        return None
