"""A tracker without learned weights: masks are carried by optical flow and held by appearance."""

from refervid.engines.lite.tracker.tracker import FlowSettings, FlowTracker

__all__ = ["FlowSettings", "FlowTracker"]
