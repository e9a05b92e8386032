"""Waveform to log-mel pictures, shared by the sound networks.

Kaldi's filter bank (github.com/kaldi-asr/kaldi, `feature-fbank`) as torchaudio's `compliance.kaldi.fbank`
computes it, the mel scale it shares with YAMNet, and torchaudio's default resampler.
"""

from __future__ import annotations

from functools import cache
from math import ceil, floor, gcd, log, pi
from typing import Literal

import torch
from torch import Tensor

SAMPLE_RATE = 16_000
"""Hz; what all the sound networks here were trained on."""

FRAME, HOP, FFT = 400, 160, 512
"""Samples of a window (25 ms), between windows (10 ms), and of the Fourier transform."""

_PREEMPHASIS = 0.97
"""Kaldi's default."""
_SMALLEST_ENERGY = 1.1920929e-07
"""Single-precision epsilon: what Kaldi puts in the place of smaller energies before the logarithm."""
_ROLLOFF = 0.99
_ZERO_CROSSINGS = 6


def kaldi_fbank(samples: Tensor, bins: int, window: Literal["povey", "hanning"]) -> Tensor:
    """Natural-log mel energies (..., T, bins) of `samples` (..., n) at 16 kHz, T = 1 + (n - 400) // 160.

    Without dither. The scale of the samples is the caller's choice. Fewer than 400 samples have no frame:
    T is 0.
    """
    if samples.shape[-1] < FRAME:
        return samples.new_zeros((*samples.shape[:-1], 0, bins))
    frames = samples.unfold(-1, FRAME, HOP)
    frames = frames - frames.mean(dim=-1, keepdim=True)
    earlier = torch.cat([frames[..., :1], frames[..., :-1]], dim=-1)
    frames = (frames - _PREEMPHASIS * earlier) * _window(window).to(frames)
    power = torch.fft.rfft(frames, n=FFT).abs() ** 2
    energies: Tensor = power @ mel_weights(bins, 20, SAMPLE_RATE / 2, torch.float32).to(power)
    return energies.clamp(min=_SMALLEST_ENERGY).log()


def log_mel(samples: Tensor, bins: int, low: float, high: float, offset: float) -> Tensor:
    """`log(magnitude of mel bands + offset)` (..., T, bins) in periodic Hann windows, for YAMNet.

    Through float64 like the original, which is NumPy's.
    """
    window = torch.hann_window(FRAME, periodic=True, dtype=torch.float64, device=samples.device)
    magnitude = torch.fft.rfft(samples.double().unfold(-1, FRAME, HOP) * window, n=FFT).abs()
    bands: Tensor = magnitude @ mel_weights(bins, low, high, torch.float64).to(magnitude)
    return (bands + offset).log().float()


@cache
def mel_weights(bins: int, low: float, high: float, precision: torch.dtype) -> Tensor:
    """(257, bins) float32 triangles, equidistant and linear in mel, peak 1; `low`, `high` in Hz.

    mel(f) = 1127 ln(1 + f / 700). No normalisation by area. `precision` is what the original computes in:
    in narrow triangles the rounding shows.
    """
    bottom, top = (1127 * log(1 + hertz / 700) for hertz in (low, high))
    step = (top - bottom) / (bins + 1)
    frequencies = torch.arange(FFT // 2 + 1, dtype=precision)[:, None] * (SAMPLE_RATE / FFT)
    mel = 1127 * (1 + frequencies / 700).log()
    numbers = torch.arange(bins, dtype=precision)
    left, middle, right = (bottom + (numbers + edge) * step for edge in range(3))
    rising, falling = (mel - left) / (middle - left), (right - mel) / (right - middle)
    return torch.minimum(rising, falling).clamp(min=0).float()


def resample(samples: Tensor, old: int, new: int = SAMPLE_RATE) -> Tensor:
    """(..., n) float32 at `old` Hz to (..., ceil(n new / old)) at `new` Hz.

    Windowed sinc with 6 zero crossings, roll-off 0.99 and a squared-cosine window, as torchaudio's
    `functional.resample` does by default. Every output sample is computed from the taps that reach it
    only, so that odd ratios cost no more than common ones.
    """
    if old == new:
        return samples
    common = gcd(old, new)
    old, new = old // common, new // common
    base = _ROLLOFF * min(old, new)
    reach = ceil(_ZERO_CROSSINGS * old / base)
    length = ceil(new * samples.shape[-1] / old)
    periods = ceil(length / new)
    padded = torch.nn.functional.pad(samples, (reach, reach + 2 * old + periods * old - samples.shape[-1]))
    phases = []
    for phase in range(new):
        first = max(0, floor(phase * old / new - _ZERO_CROSSINGS * old / base) + reach)
        taps = torch.arange(first, first + 2 * reach + 1, dtype=torch.float32)
        time = ((-phase / new + (taps - reach) / old) * base).clamp(-_ZERO_CROSSINGS, _ZERO_CROSSINGS)
        hull = torch.cos(time * pi / _ZERO_CROSSINGS / 2) ** 2
        kernel = (torch.sinc(time) * hull * base / old).to(samples)
        phases.append(padded[..., first:].unfold(-1, len(kernel), old)[..., :periods, :] @ kernel)
    return torch.stack(phases, dim=-1).flatten(-2)[..., :length]


@cache
def _window(name: str) -> Tensor:
    """Symmetric Hann; Povey's, from Kaldi, is its power 0.85."""
    hann = torch.hann_window(FRAME, periodic=False)
    return hann**0.85 if name == "povey" else hann
