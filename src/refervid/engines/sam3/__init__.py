"""SAM 3 (arXiv 2511.16719) through transformers: concepts to tracks, and prompts to tracks."""

from refervid.engines.sam3.finder import Sam3Finder, Sam3FinderSettings
from refervid.engines.sam3.tracker import Sam3Tracker, Sam3TrackerSettings

__all__ = ["Sam3Finder", "Sam3FinderSettings", "Sam3Tracker", "Sam3TrackerSettings"]
