"""MoveNet Lightning: where the joints of a person are."""

from refervid.models.movenet.network import CELLS, SIDE, Heads, MoveNet, state_of_tensorflow

__all__ = ["CELLS", "SIDE", "Heads", "MoveNet", "state_of_tensorflow"]
