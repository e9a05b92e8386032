"""Classical analysis of a clip: motion, colour, saliency and the objects they tell of. No learned weights."""

from refervid.engines.lite.analysis.clip_analysis import Analyses, ClipAnalysis
from refervid.engines.lite.analysis.scene import Scene

__all__ = ["Analyses", "ClipAnalysis", "Scene"]
