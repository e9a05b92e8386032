"""SAM 2 and EdgeTAM trackers: frames encoded once, objects in one batch, flat memory."""

from refervid.engines.sam2.engine import EdgeTamSettings, EdgeTamTracker, Sam2Settings, Sam2Tracker

__all__ = ["EdgeTamSettings", "EdgeTamTracker", "Sam2Settings", "Sam2Tracker"]
