"""Teach the object cluster of the small SOC network what only time tells.

    python bench/nano_cluster.py out/soc-nano-candidates/last.safetensors out/soc-nano.safetensors

While only the cluster learns, what it reads does not change: the frames' queries are found once for every
clip, and the cluster goes over them many times. A sentence costs it a hundredth of what it costs the whole
network, and of sentences about time it needs many.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from refervid.datasets.synthetic.clips import MadeClip, make_clip
from refervid.datasets.synthetic.scene import SceneSettings
from refervid.datasets.synthetic.sentences import TIME_KINDS, Sentence
from refervid.engines.hub.weights import find_weights
from refervid.models.soc import SOC, build_tokenizer, load, save
from refervid.models.soc.losses import contrastive_loss
from refervid.models.soc.transforms import prepare_frames, to_tensor
from refervid.training.recipe import Schedule
from refervid.training.trainer import rate_factor

SEED = 11
OTHERS = 2
"""Sentences of a clip that need no time, so that what is known of looks and places stays."""
BATCH = 64
SCHEDULE = Schedule(epochs=1, cosine=True, warm_up=100)
SHARPNESS = 12.0
"""Of the share that a query has in the right answer, by its Jaccard index."""


class Known(NamedTuple):
    """What is known of N sentences before the cluster: the last decoder layer's `hidden` (N, T, Q, C) and
    `boxes` (N, T, Q, 4), `sentence` (N, C), `text` (N, C) for the contrast, `jaccard` (N, Q) of the masks.
    """

    hidden: Tensor
    boxes: Tensor
    sentence: Tensor
    text: Tensor
    jaccard: Tensor


class Queries(Dataset[Known]):
    """The frames' queries of clips of the split `train`."""

    def __init__(self, network: SOC, clips: int) -> None:
        self._network, self._clips = network, clips
        self._tokenizer = build_tokenizer(network.config.text, find_weights)

    def __len__(self) -> int:
        return self._clips

    @torch.inference_mode()
    def __getitem__(self, index: int) -> Known:
        clip = make_clip(SceneSettings(), "train", index, SEED)
        sentences = _chosen(clip, np.random.default_rng(index))
        frames = prepare_frames(to_tensor(clip.frames), self._network.config.size)
        tokens = self._tokenizer([sentence.text for sentence in sentences])
        rows = torch.zeros(len(sentences), dtype=torch.long)
        stages = self._network.stages(self._network.encode_clips(frames[None]), tokens, rows)
        masks = self._network.predict(stages, self._network.config.decoder_layers - 1).masks
        return Known(
            stages.states.hidden[-1],
            stages.states.references[-1],
            stages.text.sentence,
            stages.text_feature,
            _jaccard(masks, clip, sentences),
        )


def _chosen(clip: MadeClip, random: np.random.Generator) -> list[Sentence]:
    about_time = [one for one in clip.sentences if one.kind in TIME_KINDS]
    others = [one for one in clip.sentences if one.kind not in TIME_KINDS]
    return about_time + [others[place] for place in random.permutation(len(others))[:OTHERS]]


def _jaccard(masks: Tensor, clip: MadeClip, sentences: Sequence[Sentence]) -> Tensor:
    """Of every query's masks (N, T, Q, h, w), over the whole clip: (N, Q)."""
    size = clip.ids.shape[1:]
    found = F.interpolate(masks.flatten(0, 1), size=size, mode="bilinear").unflatten(0, masks.shape[:2]) > 0
    things = torch.tensor([sentence.thing + 1 for sentence in sentences])
    truth = (torch.from_numpy(clip.ids) == things[:, None, None, None])[:, :, None]
    overlap, union = (both.sum((1, 3, 4)) for both in (found & truth, found | truth))
    return overlap / union.clamp(min=1)


def learn(network: SOC, known: Known, steps: int, rate: float, contrast: float) -> None:
    """Train the cluster and the last class head to prefer the query whose masks fit best."""
    assert network.voc is not None
    cluster, head = network.voc.train(), network.class_embed[-1]
    weights = [*cluster.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(weights, rate, weight_decay=1e-4)
    random = torch.Generator().manual_seed(SEED)
    for step in range(1, steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = rate * rate_factor(SCHEDULE, step - 1, steps)
        chosen = torch.randint(len(known.hidden), (BATCH,), generator=random)
        batch = Known(*(part[chosen].float() for part in known))
        queries = cluster(batch.hidden[None], batch.sentence, batch.boxes[None])[0]
        classes = head(batch.hidden + queries[:, None])[..., 0].mean(1)
        right = F.softmax(SHARPNESS * batch.jaccard, 1)
        loss = F.cross_entropy(classes, right) + contrast * contrastive_loss(queries, batch.text, right)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        if step % 250 == 0 or step == steps:
            got = batch.jaccard.gather(1, classes.argmax(1, keepdim=True)).mean()
            print(f"step {step}/{steps}  loss {float(loss.detach()):.3f}  J {float(got):.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--clips", type=int, default=5000)
    parser.add_argument("--steps", type=int, default=4000, help=f"of {BATCH} sentences")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--contrast", type=float, default=0.5, help="weight of the contrastive loss")
    options = parser.parse_args()
    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    network = load(options.weights)
    found = []
    clips = DataLoader(Queries(network, options.clips), None, num_workers=os.cpu_count() or 1)
    for number, known in enumerate(clips, 1):
        found.append(Known(*(part.half() for part in known)))
        if number % 500 == 0:
            print(f"clip {number}/{options.clips}", flush=True)
    together = Known(*(torch.cat(parts) for parts in zip(*found, strict=True)))
    learn(network, together, options.steps, options.rate, options.contrast)
    save(network, options.out)


if __name__ == "__main__":
    main()
