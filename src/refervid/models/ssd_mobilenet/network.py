"""SSD (Liu et al., ECCV 2016) on MobileNetV2 (Sandler et al., CVPR 2018), as TensorFlow's model garden has it
(ssd_mobilenet_v2_coco).

It was trained on pictures of 300 x 300. Being convolutional it takes larger ones too, in which it sees things
of the same sizes in pixels, up to a limit: one pass over a large picture stands for passes over many crops.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from refervid.models.inverted_residual import InvertedResidual, conv, same

CLASSES = 80
SIDE = 300
"""Sides of the pictures it was trained on."""
STEP = 64
"""Sides that differ from `SIDE` by multiples of this are padded as that is, down to stride 32."""
NORM_EPSILON = 1e-3
"""Of the batch normalisations that are folded in."""
_STEM, _HEAD = 32, 1280
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""Expansion, channels, repeats, stride: table 2 of MobileNetV2."""
_FIRST_MAP = 13
"""The block whose expanded channels, at stride 16, the first predictor looks at."""
_EXTRAS = ((256, 512), (128, 256), (128, 256), (64, 128))
"""Channels inside and behind the layers at strides 64 to 512."""
_MAPS = (576, _HEAD, *(out for _, out in _EXTRAS))
_STRIDES = (16, 32, 64, 128, 256, 512)
_LOCAL = 3
"""So many maps see mostly what is around a place. In pictures larger than those of its training the others,
in which padding prevails, tell nothing."""
_SCALES = (0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0)
_ASPECTS = (1.0, 2.0, 0.5, 3.0, 0.333)
_CENTRE_STEP, _SIZE_STEP = 0.1, 0.2
"""Units of offsets and of logarithms of sizes."""
_LABELS = 91
"""Background and the 90 numbers of COCO's label map, ten of which were never used."""
_UNUSED = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
_COLUMNS = [number for number in range(1, _LABELS) if number not in _UNUSED]


class SsdMobileNet(nn.Module):
    """Input: RGB (N, 3, H, W) float32 in 0..255, H and W `SIDE` or larger by multiples of `STEP`.

    Things may fill a picture of the trained size; in larger ones they are seen up to 260 pixels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(3, _STEM, 3, 2)
        self.blocks = nn.ModuleList()
        width = _STEM
        for expansion, out, repeats, stride in _STAGES:
            for number in range(repeats):
                self.blocks.append(InvertedResidual(width, out, 3, stride if number == 0 else 1, expansion))
                width = out
        self.head = conv(width, _HEAD, 1, 1)
        widths = (_HEAD, *(out for _, out in _EXTRAS))
        self.extras = nn.ModuleList(
            _Extra(width, inside, out) for width, (inside, out) in zip(widths, _EXTRAS, strict=False)
        )
        counts = [len(shapes) for shapes in _shapes()]
        self.classes = nn.ModuleList(
            nn.Conv2d(w, n * CLASSES, 3, padding=1) for w, n in zip(_MAPS, counts, strict=True)
        )
        self.offsets = nn.ModuleList(
            nn.Conv2d(w, n * 4, 3, padding=1) for w, n in zip(_MAPS, counts, strict=True)
        )

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (N, A, 80), which do not exclude each other, and boxes (N, A, 4) xyxy in pixels."""
        names, boxes = [], []
        maps = self._maps(rgb)
        for x, classes, offsets, stride, shapes in zip(
            maps, self.classes, self.offsets, _STRIDES, _shapes(), strict=False
        ):
            names.append(_by_anchor(classes(x), CLASSES))
            boxes.append(_decoded(_by_anchor(offsets(x), 4), _anchors(x, stride, shapes)))
        return torch.cat(names, 1).sigmoid(), torch.cat(boxes, 1)

    def _maps(self, rgb: Tensor) -> list[Tensor]:
        """What the predictors look at, by `_STRIDES`; of larger pictures the local maps alone."""
        extras = len(self.extras) if rgb.shape[2:] == (SIDE, SIDE) else _LOCAL - 2
        x = F.relu6(same(self.stem, rgb * (2 / 255) - 1), inplace=True)
        found: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            assert isinstance(block, InvertedResidual)
            wide = block.widened(x)
            if number == _FIRST_MAP:
                found.append(wide)
            x = block.narrowed(wide, x)
        x = F.relu6(self.head(x), inplace=True)
        found.append(x)
        for extra in self.extras[:extras]:
            x = extra(x)
            found.append(x)
        return found


class _Extra(nn.Module):
    """Fewer channels, half the size, more channels."""

    def __init__(self, width: int, inside: int, out: int) -> None:
        super().__init__()
        self.reduce = conv(width, inside, 1, 1)
        self.depthwise = conv(inside, inside, 3, 2, groups=inside)
        self.point = conv(inside, out, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        inside = F.relu6(same(self.depthwise, F.relu6(self.reduce(x))))
        return F.relu6(self.point(inside))


def _shapes() -> list[list[tuple[float, float]]]:
    """Widths and heights of the anchors of each map, in pixels; the first has fewer and smaller ones."""
    shapes = [[(0.1, 1.0), (_SCALES[0], 2.0), (_SCALES[0], 0.5)]]
    for scale, larger in pairwise(_SCALES[1:]):
        shapes.append([*((scale, aspect) for aspect in _ASPECTS), ((scale * larger) ** 0.5, 1.0)])
    return [[(SIDE * s * a**0.5, SIDE * s / a**0.5) for s, a in own] for own in shapes]


def _anchors(x: Tensor, stride: int, shapes: list[tuple[float, float]]) -> Tensor:
    """(A, 4) middle and size of each anchor of a map (N, C, h, w)."""
    trained = -(-SIDE // stride)
    # In a picture of the trained size the cells divide it evenly; in larger ones they lie a stride apart, as
    # far from the corner as on average there.
    first = (SIDE - stride * (trained - 1)) / 2
    ys, xs = (
        (torch.arange(count) + 0.5) * (SIDE / count)
        if count == trained
        else torch.arange(count) * stride + first
        for count in x.shape[2:]
    )
    places = torch.stack(torch.meshgrid(xs, ys, indexing="xy"), -1)[:, :, None].expand(
        -1, -1, len(shapes), -1
    )
    sizes = torch.tensor(shapes).expand(*places.shape[:2], -1, -1)
    return torch.cat([places, sizes], -1).reshape(-1, 4)


def _by_anchor(found: Tensor, columns: int) -> Tensor:
    """(N, anchors per cell * columns, h, w) -> (N, A, columns)."""
    return found.permute(0, 2, 3, 1).reshape(len(found), -1, columns)


def _decoded(offsets: Tensor, anchors: Tensor) -> Tensor:
    """(N, A, 4) xyxy from offsets x, y, log width, log height to anchors (SSD's equation 2)."""
    middles, sizes = anchors[:, :2], anchors[:, 2:]
    centres = middles + offsets[..., :2] * _CENTRE_STEP * sizes
    halves = torch.exp(offsets[..., 2:] * _SIZE_STEP) * sizes / 2
    return torch.cat([centres - halves, centres + halves], -1)


def state_of_tensorflow(published: Mapping[str, list[Tensor]]) -> dict[str, Tensor]:
    """The state of `SsdMobileNet` from weights by the names of the published graph, as OpenCV reads it.

    Of convolutions the kernel (out, in, h, w) and perhaps a bias, of batch normalisations mean, variance,
    scale and shift (C,); offsets in the order x, y, width, height. Raises KeyError for other networks.
    """
    root = "FeatureExtractor/MobilenetV2"
    state = _folded(published, f"{root}/Conv", "Conv2D", "stem")
    for number in range(sum(repeats for _, _, repeats, _ in _STAGES)):
        old, new = f"{root}/expanded_conv{f'_{number}' if number else ''}", f"blocks.{number}"
        if number:  # the first does not expand
            state |= _folded(published, f"{old}/expand", "Conv2D", f"{new}.expand")
        state |= _folded(published, f"{old}/depthwise", "depthwise", f"{new}.depthwise")
        state |= _folded(published, f"{old}/project", "Conv2D", f"{new}.project")
    state |= _folded(published, f"{root}/Conv_1", "Conv2D", "head")
    for number, (inside, out) in enumerate(_EXTRAS):
        first, second = (f"{root}/layer_19_{n}_Conv2d_{number + 2}" for n in (1, 2))
        state |= _folded(published, f"{first}_1x1_{inside}", "Conv2D", f"extras.{number}.reduce")
        state |= _folded(
            published, f"{second}_3x3_s2_{out}_depthwise", "depthwise", f"extras.{number}.depthwise"
        )
        state |= _folded(published, f"{second}_3x3_s2_{out}", "Conv2D", f"extras.{number}.point")
    for number in range(len(_MAPS)):
        kernel, bias = published[f"BoxPredictor_{number}/ClassPredictor/Conv2D"]
        used = [
            row for start in range(0, len(bias), _LABELS) for row in (start + column for column in _COLUMNS)
        ]
        state |= {f"classes.{number}.weight": kernel[used], f"classes.{number}.bias": bias[used]}
        kernel, bias = published[f"BoxPredictor_{number}/BoxEncodingPredictor/Conv2D"]
        state |= {f"offsets.{number}.weight": kernel, f"offsets.{number}.bias": bias}
    return state


def _folded(published: Mapping[str, list[Tensor]], layer: str, kind: str, name: str) -> dict[str, Tensor]:
    mean, variance, scale, shift = published[f"{layer}/BatchNorm/batchnorm/add_1"]
    factor = scale / torch.sqrt(variance + NORM_EPSILON)
    [kernel] = published[f"{layer}/{kind}"]
    return {f"{name}.weight": kernel * factor[:, None, None, None], f"{name}.bias": shift - mean * factor}
