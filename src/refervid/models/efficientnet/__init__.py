"""EfficientNet-lite0: a small network trained on ImageNet, for names of things and as eyes."""

from refervid.models.efficientnet.network import CLASSES, STAGE_WIDTHS, EfficientNetLite0, state_of_tensorflow

__all__ = ["CLASSES", "STAGE_WIDTHS", "EfficientNetLite0", "state_of_tensorflow"]
