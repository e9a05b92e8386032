"""BEATs: sound event tagging by a transformer over spectrogram patches (arXiv 2212.09058)."""

from refervid.models.beats.checkpoint import load_beats
from refervid.models.beats.config import BeatsConfig
from refervid.models.beats.features import front_end
from refervid.models.beats.model import Beats

__all__ = ["Beats", "BeatsConfig", "front_end", "load_beats"]
