"""Classical analysis of a clip: motion, colour, saliency and the objects they tell of. No learned weights."""

from refervid.engines.lite.analysis.scene import Scene, scene_of

__all__ = ["Scene", "scene_of"]
