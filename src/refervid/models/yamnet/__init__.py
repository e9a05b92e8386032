"""YAMNet: sound events by a small convolutional network (tensorflow/models, `audioset/yamnet`)."""

from refervid.models.yamnet.checkpoint import load_yamnet
from refervid.models.yamnet.model import PATCH_SAMPLES, Yamnet, front_end

__all__ = ["PATCH_SAMPLES", "Yamnet", "front_end", "load_yamnet"]
