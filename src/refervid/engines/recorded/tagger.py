"""The tagger that hears nothing: intervals come from a file, and labels are not asked for."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from refervid.core.types import Interval, Label, Waveform
from refervid.engines.base import Runtime
from refervid.engines.intervals import published_for, read_interval_file
from refervid.engines.recorded.files import RecordedSettings


class RecordedTaggerSettings(RecordedSettings):
    kind: Literal["recorded"] = "recorded"


class RecordedTagger:
    """Goes with `RecordedChooser`, which needs no labels."""

    Settings: ClassVar[type[RecordedTaggerSettings]] = RecordedTaggerSettings
    name = "recorded"

    def __init__(self, settings: RecordedTaggerSettings) -> None:
        """Raises `SettingsError` for a file that holds something else."""
        file = settings.intervals_file
        self.version = f"intervals of {file}" if file else "the whole sound as one interval"
        self._intervals = read_interval_file(file) if file else None

    @classmethod
    def missing(cls, settings: RecordedTaggerSettings) -> list[str]:
        return settings.missing()

    @classmethod
    def build(cls, settings: RecordedTaggerSettings, runtime: Runtime) -> Self:
        return cls(settings)

    def tag(self, waveform: Waveform) -> list[Label]:
        return []

    def intervals(self, waveform: Waveform) -> list[Interval]:
        """Raises `SettingsError` for a clip that the file does not have."""
        if self._intervals is None:
            return [Interval(0.0, waveform.duration_s)]
        return published_for(waveform, self._intervals)
