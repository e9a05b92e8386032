"""LanguageBind's view of a sound: a spectrogram as a picture with three channels.

Source: `processing_audio.py` of PKU-YuanGroup/LanguageBind.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from refervid.models.audio_features import FRAME, kaldi_fbank, resample
from refervid.models.languagebind.config import AudioTower


def sound_pixels(
    samples: Tensor, rate: int, tower: AudioTower, draw: np.random.RandomState | None = None
) -> Tensor:
    """(channels, n) float32 in -1..1 at `rate` Hz to normalised pixels (3, bins, length).

    A short sound is repeated, not padded. Of one longer than the picture (10.4 s) the channels show a
    part from its beginning, middle and end each. Published, the parts are drawn at random; here they are
    the middle ones, or random with `draw`. Less than one window (25 ms) is filled up with silence.
    """
    heard = resample(samples, rate, tower.audio_sample_rate)
    # As published the mean is over all channels, and the spectrogram of the first.
    mono = (heard - heard.mean())[0]
    mono = torch.nn.functional.pad(mono, (0, max(0, FRAME - len(mono))))
    frames = kaldi_fbank(mono, tower.num_mel_bins, "hanning")
    length = tower.target_length
    if len(frames) > length:
        starts = _starts(len(frames) - length + 1, draw)
        channels = torch.stack([frames[start : start + length] for start in starts])
    else:
        channels = frames.repeat(length // len(frames) + 1, 1)[:length].expand(3, -1, -1)
    return (channels.transpose(1, 2) - tower.audio_mean) / (2 * tower.audio_std)


def _starts(count: int, draw: np.random.RandomState | None) -> list[int]:
    """One start from each third of 0..count-1; an empty third gives 0."""
    starts = []
    for third in np.array_split(np.arange(count), 3):
        if not len(third):
            starts.append(0)
        else:
            starts.append(int(third[len(third) // 2] if draw is None else draw.choice(third)))
    return starts
