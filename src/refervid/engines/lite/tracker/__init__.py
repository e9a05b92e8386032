"""A tracker on the features of a small network: looks, motion and a decoder of masks together."""

from refervid.engines.lite.tracker.tracker import EmbeddedSettings, EmbeddedTracker

__all__ = ["EmbeddedSettings", "EmbeddedTracker"]
