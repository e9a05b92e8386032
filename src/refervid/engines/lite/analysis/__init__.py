"""Analysis of a clip without a sentence: motion, colour, saliency, the objects and pieces they tell of."""

from refervid.engines.lite.analysis.clip_analysis import Analyses, ClipAnalysis
from refervid.engines.lite.analysis.scene import Scene

__all__ = ["Analyses", "ClipAnalysis", "Scene"]
