"""One training step's look at a sequence: the decoder goes from shot to shot as the tracker does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

from refervid.models.efficientnet import EfficientNetLite0
from refervid.models.mask_decoder import (
    HELD,
    PROMPTS,
    MaskDecoder,
    equations,
    likeness,
    nearness,
    solve,
    traits,
    votes,
)
from refervid.training.masks.dice import by_scene
from refervid.training.masks.prompts import box_plane, faulty, points_plane
from refervid.training.masks.scenes import Shots

Features = dict[int, Tensor]

START_WEIGHT = 0.4
"""Of the first shots' masks in the loss, however many shots follow."""
EDGE_WEIGHT = 3.0
NEAR_REACH, FAR_REACH = 0.2, 0.5
"""Shares of the crop's side that an object's parts move between neighbouring shots, and over longer times."""
LEAST_SHARE = 0.004
"""Of the first shot that the object covers, or the scene does not count."""
TEST_SHARE = 0.25
"""Weight of the shot before in the linear test."""
STARTS = {"box": 0.5, "box and points": 0.1, "points": 0.2, "carried": 0.1, "carried and points": 0.1}
"""What is known on the first shot."""
GIVEN = 0.4
"""Share of scenes whose first mask is then known as it is; else it is the one that was found."""
UNKNOWN = {"carried": 0.15, "first": 0.08, "recent": 0.1, "likeness": 0.1}
"""How often a later shot goes without each of these."""
FAULTY, AGAIN_BOX, AGAIN_POINTS = 0.25, 0.08, 0.05
"""How often on a later shot the carried mask is the true one with faults; a box, or points, are known."""


@dataclass
class Outcome:
    """`loss`, and mean overlap with the truth on first shots by kind of start, and on each later shot."""

    loss: Tensor
    overlaps: dict[str, Tensor]


def outcome_of(
    eyes: EfficientNetLite0, network: MaskDecoder, shots: Shots, noise: torch.Generator
) -> Outcome:
    """`shots` on the device of the networks and of `noise`."""
    count, length = shots.rgb.shape[:2]
    device = shots.rgb.device
    half = device.type == "cuda"
    with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=half):
        flat = shots.rgb.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        levels = {s: by_scene(level.float(), count) for s, level in eyes.features(flat).items()}
    truth = F.avg_pool2d(shots.mask, 2)
    counts = (truth[:, 0].mean((1, 2)) > LEAST_SHARE).float()
    track = _Track(network, levels, half)
    kinds, odds, losses = _first_looks(track, truth[:, 0], counts, noise)
    overlap = _overlap(odds, truth[:, 0], counts)
    overlaps = {kind: torch.where(kinds == number, overlap, torch.nan) for number, kind in enumerate(STARTS)}
    share = torch.sigmoid(odds.detach()).lerp(truth[:, 0], _sometimes(count, GIVEN, noise))
    track.remember(0, share)
    for index in range(1, length):
        carried = _carried(share, shots.origin[:, index])
        odds, present = track.decode(index, *_known(track, index, carried, truth[:, index], noise))
        losses.append(_loss(odds, present, truth[:, index], counts))
        overlaps[f"shot {index}"] = _overlap(odds, truth[:, index], counts)
        share = torch.sigmoid(odds.detach())
        track.remember(index, share)
    starts, later = torch.stack(losses[:2]).mean(), torch.stack(losses[2:]).mean()
    return Outcome(START_WEIGHT * starts + (1 - START_WEIGHT) * later, overlaps)


def _first_looks(
    track: _Track, truth: Tensor, counts: Tensor, noise: torch.Generator
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """The kind of start of each row, the odds that the second look at the first shot gives, both losses."""
    kinds, known = _start(truth, noise)
    odds, present = track.decode(0, known)
    losses = [_loss(odds, present, truth, counts)]
    # A first guess tells the object from all that surely is not it, which lies beyond the box.
    guess = torch.sigmoid(odds.detach()) * (known["box"] >= 0)
    known = known | {"carried": 2 * guess - 1, "likeness": track.likeness(0, track.test(0, guess))}
    odds, present = track.decode(0, known)
    return kinds, odds, [*losses, _loss(odds, present, truth, counts)]


def _known(
    track: _Track, index: int, carried: Tensor, truth: Tensor, noise: torch.Generator
) -> tuple[dict[str, Tensor], Tensor]:
    """What is known on a later shot, to which a mask was `carried`, and what its places held before."""
    count = len(truth)
    wrong = _sometimes(count, FAULTY, noise) > 0
    seen, likeness = track.seen(index)
    known = {
        "carried": torch.where(wrong, 2 * faulty(truth, noise) - 1, 2 * carried - 1),
        **{name: one[:, 0] for name, one in seen.items()},
        "likeness": likeness,
        "box": box_plane(truth, noise) * _sometimes(count, AGAIN_BOX, noise),
        "points": points_plane(truth, noise) * _sometimes(count, AGAIN_POINTS, noise),
    }
    held = {name: one[:, 1:] for name, one in seen.items()}
    for name, often in UNKNOWN.items():
        keep = _sometimes(count, 1 - often, noise)
        known[name] = known[name] * keep
        if name in held:
            held[name] = held[name] * keep[:, None]
    return known, torch.cat(list(held.values()), 1)


class _Track:
    """The network on the features of all shots of one sequence per row."""

    def __init__(self, network: MaskDecoder, levels: Features, half: bool) -> None:
        self._network, self._levels, self._half = network, levels, half
        self._cells = levels[8].shape[3:]
        self._fine = levels[2].shape[3:]
        with torch.autocast(levels[8].device.type, torch.bfloat16, enabled=half):
            keys = network.keys({s: level.flatten(0, 1) for s, level in levels.items()})
        self._keys = by_scene(keys.float(), len(levels[8]))
        self._recent: list[tuple[Tensor, Tensor]] = []

    def at(self, index: int) -> Features:
        return {stride: level[:, index] for stride, level in self._levels.items()}

    def remember(self, index: int, share: Tensor) -> None:
        """The mask of a shot: the first one for good, of the others those of the last two."""
        with torch.autocast(share.device.type, torch.bfloat16, enabled=self._half):
            entry = self._keys[:, index], self._network.values(self.at(index), share)
        if index == 0:
            self._first, self._first_test = entry, self.test(0, share)
        self._recent = [entry, *(self._recent[:1] if index > 1 else [])]
        self._last = index, share

    def seen(self, index: int) -> tuple[dict[str, Tensor], Tensor]:
        """Votes on a later shot of the first one and of those just before, and how much it looks like it."""
        test = self._first_test
        if index > 1:
            fresh = self.test(*self._last)
            test = test[0].lerp(fresh[0], TEST_SHARE), test[1].lerp(fresh[1], TEST_SHARE)
        return {
            "first": self.votes(index, [self._first], FAR_REACH),
            "recent": self.votes(index, self._recent, NEAR_REACH),
        }, self.likeness(index, test)

    def votes(self, index: int, entries: list[tuple[Tensor, Tensor]], reach: float) -> Tensor:
        """(N, 1 + held, h, w) at stride 8"""
        height, width = self._cells
        bias = _nearness(height, width, reach, self._keys.device).repeat(1, len(entries))
        memory, values = (torch.cat(parts, 1) for parts in zip(*entries, strict=True))
        found = votes(self._keys[:, index], memory, values, bias)
        return found.mT.reshape(len(found), -1, height, width)

    def test(self, index: int, share: Tensor) -> tuple[Tensor, Tensor]:
        with torch.no_grad():
            trait = traits(self.at(index))
            return equations(trait, F.avg_pool2d(share, share.shape[-1] // trait.shape[-1]))

    def likeness(self, index: int, test: tuple[Tensor, Tensor]) -> Tensor:
        with torch.no_grad():
            return likeness(traits(self.at(index)), solve(*test)).nan_to_num(0)

    def decode(
        self, index: int, known: Mapping[str, Tensor], held: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        nothing = known["box"].new_zeros(len(known["box"]), *self._fine)
        if held is None:
            held = nothing.new_zeros(len(nothing), 2 * HELD, *self._cells)
        planes = [_fine(known[name], nothing) if name in known else nothing for name in PROMPTS]
        with torch.autocast(nothing.device.type, torch.bfloat16, enabled=self._half):
            odds, present = self._network(self.at(index), torch.stack(planes, 1), held)
        return odds.float(), present.float()


def _start(truth: Tensor, noise: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
    """Which of `STARTS` each row has, and what is known then."""
    chances = torch.tensor(list(STARTS.values()), device=truth.device)
    kinds = torch.multinomial(chances, len(truth), replacement=True, generator=noise)
    names = list(STARTS)

    def use(word: str) -> Tensor:
        having = torch.tensor([float(word in name) for name in names], device=truth.device)
        return having[kinds][:, None, None]

    return kinds, {
        "box": box_plane(truth, noise) * use("box"),
        "points": points_plane(truth, noise) * use("points"),
        "carried": (2 * faulty(truth, noise) - 1) * use("carried"),
    }


@cache
def _nearness(height: int, width: int, reach: float, device: torch.device) -> Tensor:
    return nearness(height, width, reach * width).to(device)


def _carried(share: Tensor, origin: Tensor) -> Tensor:
    return F.grid_sample(share[:, None], origin, align_corners=False)[:, 0]


def _sometimes(count: int, often: float, noise: torch.Generator) -> Tensor:
    return (torch.rand(count, 1, 1, generator=noise, device=noise.device) < often).float()


def _fine(plane: Tensor, like: Tensor) -> Tensor:
    if plane.shape == like.shape:
        return plane
    return F.interpolate(plane[:, None], like.shape[1:], mode="bilinear", align_corners=False)[:, 0]


def _loss(odds: Tensor, present: Tensor, truth: Tensor, counts: Tensor) -> Tensor:
    """Cross-entropy, heavier along the outline, Dice, and whether the object is there; rows by `counts`."""
    edge = (F.avg_pool2d(truth[:, None], 5, 1, 2)[:, 0] - truth).abs()
    entropy = F.binary_cross_entropy_with_logits(odds, truth, 1 + EDGE_WEIGHT * edge, reduction="none").mean(
        (1, 2)
    )
    there = (truth.sum((1, 2)) > 10).float()
    share = torch.sigmoid(odds)
    both = (share * truth).sum((1, 2))
    dice = 1 - (2 * both + 1) / (share.sum((1, 2)) + truth.sum((1, 2)) + 1)
    known = F.binary_cross_entropy_with_logits(present, there, reduction="none")
    return ((entropy + 0.5 * dice * there + 0.1 * known) * counts).sum() / counts.sum().clamp(min=1)


def _overlap(odds: Tensor, truth: Tensor, counts: Tensor) -> Tensor:
    """Intersection over union (N,), NaN where the object is away."""
    hit, true = odds.detach() > 0, truth > 0.5
    overlap = (hit & true).sum((1, 2)) / (hit | true).sum((1, 2)).clamp(min=1)
    return torch.where((true.sum((1, 2)) > 10) & (counts > 0), overlap, torch.nan)
