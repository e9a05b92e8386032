"""Options of commands whose work a Ray cluster may do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from refervid.core.errors import SettingsError

if TYPE_CHECKING:
    from refervid.pipelines.base import Pipeline
    from refervid.pipelines.cluster import RayCluster

Ray = Annotated[
    str | None,
    typer.Option(metavar="auto|ADDRESS|local", help="Work on a Ray cluster; `local` is this machine."),
]
Actors = Annotated[
    int | None, typer.Option(min=1, help="With --ray: how many at a time; by default one per GPU.")
]


def check_cluster(ray: str | None, actors: int | None, max_cost: float | None) -> None:
    """Raises `SettingsError` for options that do not go together."""
    if ray is None and actors is not None:
        raise SettingsError("--actors is for a cluster: give --ray too, such as --ray local")
    if ray is not None and max_cost is not None:
        raise SettingsError("--max-cost counts what one process asks: leave out --ray, or --max-cost")


def chosen_cluster(
    ray: str | None, actors: int | None, device: str, load: Callable[[], Pipeline]
) -> RayCluster | None:
    """The cluster that the options name, if they do; actors build their pipeline by `load`."""
    if ray is None:
        return None
    from refervid.pipelines.cluster import RayCluster

    return RayCluster(load, ray, actors, use_gpus=device != "cpu")
