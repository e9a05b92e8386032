"""SSD on MobileNetV2, for the 80 classes of COCO."""

from refervid.models.ssd_mobilenet.network import CLASSES, SIDE, STEP, SsdMobileNet, state_of_tensorflow

__all__ = ["CLASSES", "SIDE", "STEP", "SsdMobileNet", "state_of_tensorflow"]
