"""Teach the backbone of the small SOC network to see, before it learns to listen.

    python bench/nano_eyes.py out/soc-nano-eyes.safetensors

From single frames of the synthetic clips the backbone learns which kind of thing, in which colour and
pattern, lies at every place. It stands where the published networks start from Video Swin weights that were
trained on Kinetics: sentences alone name a shape too rarely to teach what shapes look like. What is written
is the backbone alone, for a recipe's `network.backbone`.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save as to_bytes
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from refervid.core.files import atomic_file
from refervid.datasets.synthetic.clips import make_clip
from refervid.datasets.synthetic.scene import SceneSettings
from refervid.datasets.synthetic.things import COLOURS, KINDS, PATTERNS
from refervid.models.soc import InputSize, SocConfig
from refervid.models.soc.transforms import prepare_frames, to_tensor
from refervid.models.soc.video_swin import VideoSwin
from refervid.training.recipe import Schedule
from refervid.training.trainer import rate_factor

TRAITS: tuple[Sequence[str], ...] = (KINDS, tuple(COLOURS), tuple(PATTERNS))
SIZES = [len(words) for words in TRAITS]
STRIDES = (8, 16)
"""Of the maps that are asked; those above and below help to answer."""
SEED = 7
FRAMES_OF_A_CLIP = 2
SCHEDULE = Schedule(epochs=1, cosine=True, warm_up=100)
MOST_OF_IT = 0.4
"""Of a place must be covered by a thing for its traits to be asked for."""


class Stills(Dataset[tuple[Tensor, ...]]):
    """Frames (2, 3, H, W) of one clip; then for each stride how much of every place its largest thing
    covers, (2, h, w), and that thing's traits, (2, h, w, 3) long."""

    def __init__(self, count: int, size: InputSize) -> None:
        self._count, self._size, self._scene = count, size, SceneSettings()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:
        clip = make_clip(self._scene, "train", index, SEED)
        chosen = np.random.default_rng(index).choice(len(clip.frames), FRAMES_OF_A_CLIP, replace=False)
        frames = to_tensor(clip.frames[chosen])
        traits = torch.tensor(
            [[TRAITS[0].index(look.kind), TRAITS[1].index(look.colour), TRAITS[2].index(look.pattern)]
             for look in (thing.look for thing in clip.things)]
        )  # fmt: skip
        ids = torch.from_numpy(clip.ids[chosen]).long()
        there = F.one_hot(ids, len(clip.things) + 1)[..., 1:].permute(0, 3, 1, 2).float()
        answers: list[Tensor] = []
        for stride in STRIDES:
            share, thing = F.avg_pool2d(there, stride, ceil_mode=True).max(1)
            answers += [share, traits[thing]]
        return prepare_frames(frames, self._size), *answers


class Eyes(nn.Module):
    """The backbone with a linear question on its maps: is there a thing, and which traits has it?"""

    def __init__(self, backbone: VideoSwin, widths: Sequence[int]) -> None:
        super().__init__()
        count = 1 + sum(SIZES)
        self.backbone = backbone
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in widths)
        self.together = nn.ModuleList(nn.Linear(width, count) for width in widths)
        self.alone = nn.ModuleList(nn.Linear(widths[level], count) for level in (1, 2))

    def forward(self, frames: Tensor) -> list[Tensor]:
        """Logits (N, 1 + traits, h, w) by all maps together at stride 8, by those of 8 and 16 alone."""
        maps = [
            norm(level.permute(0, 2, 3, 1))
            for norm, level in zip(self.norms, self.backbone(frames), strict=True)
        ]
        alone = [ask(level).permute(0, 3, 1, 2) for ask, level in zip(self.alone, maps[1:3], strict=True)]
        size = alone[0].shape[2:]
        together = [
            F.adaptive_avg_pool2d(said, size)
            if said.shape[3] > size[1]
            else F.interpolate(said, size, mode="bilinear")
            for said in (
                ask(level).permute(0, 3, 1, 2) for ask, level in zip(self.together, maps, strict=True)
            )
        ]
        return [torch.stack(together).sum(0), *alone]


def loss_of(logits: Tensor, share: Tensor, traits: Tensor) -> tuple[Tensor, list[float]]:
    """The loss, every trait's part of it 1 for a guess by lot; and how often each trait is right."""
    loss = F.binary_cross_entropy_with_logits(logits[:, 0], share)
    there = share > MOST_OF_IT
    said, right = logits[:, 1:].permute(0, 2, 3, 1)[there].split(SIZES, 1), traits[there].unbind(1)
    for one, true, size in zip(said, right, SIZES, strict=True):
        loss = loss + F.cross_entropy(one, true) / math.log(size)
    return loss, [
        float((one.argmax(1) == true).float().mean()) for one, true in zip(said, right, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--clips", type=int, default=16, help="a step")
    parser.add_argument("--rate", type=float, default=2e-3)
    options = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_flush_denormal(True)
    config = SocConfig.nano()
    eyes = Eyes(VideoSwin(config.backbone), config.backbone.widths).train()
    optimizer = torch.optim.AdamW(eyes.parameters(), options.rate, weight_decay=0.01)
    stills = Stills(options.steps * options.clips, config.size)
    known = np.zeros(len(SIZES))
    for step, (frames, *answers) in enumerate(DataLoader(stills, options.clips, num_workers=1), 1):
        for group in optimizer.param_groups:
            group["lr"] = options.rate * rate_factor(SCHEDULE, step - 1, options.steps)
        asked = [answer.flatten(0, 1) for answer in answers]
        logits = eyes(frames.flatten(0, 1)[:, None])
        loss, right = loss_of(logits[0], *asked[:2])
        for number in (0, 1):
            loss = loss + 0.5 * loss_of(logits[number + 1], *asked[2 * number : 2 * number + 2])[0]
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(eyes.parameters(), 1.0)
        optimizer.step()
        known = 0.98 * known + 0.02 * np.array(right)
        if step % 50 == 0 or step == options.steps:
            names = ("kind", "colour", "pattern")
            told = "  ".join(f"{name} {share:.2f}" for name, share in zip(names, known, strict=True))
            print(f"step {step}/{options.steps}  loss {float(loss.detach()):.3f}  {told}", flush=True)
    data = to_bytes(eyes.backbone.state_dict())
    with atomic_file(options.out) as part:
        part.write_bytes(data)


if __name__ == "__main__":
    main()
