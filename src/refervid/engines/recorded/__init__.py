"""Answers and intervals from files, as AL-Ref-SAM 2 publishes its own for AVSBench."""

from refervid.engines.recorded.chooser import RecordedChooser
from refervid.engines.recorded.tagger import RecordedTagger

__all__ = ["RecordedChooser", "RecordedTagger"]
