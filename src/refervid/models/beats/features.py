"""BEATs' view of a waveform: normalised filter bank, and which tokens are padding."""

from __future__ import annotations

from torch import Tensor

from refervid.models.audio_features import kaldi_fbank

MEL_BINS = 128
MEAN, DEVIATION = 15.41663, 6.55582
"""Of the filter bank over AudioSet (microsoft/unilm, `beats`)."""
_INT16 = 2**15


def front_end(waveforms: Tensor) -> Tensor:
    """(N, n) float32 in -1..1 at 16 kHz to a normalised filter bank (N, T, 128)."""
    return (kaldi_fbank(waveforms * _INT16, MEL_BINS, "povey") - MEAN) / (2 * DEVIATION)


def shrink_mask(mask: Tensor, length: int) -> Tensor:
    """(N, m) bool, True = padding, to (N, length): True where all of m // length entries are.

    Kept as published, also for tokens: they are ordered by time, then by frequency band, but this
    groups frames by the tokens' running number. So low bands of a patch column may count as sound and
    high ones as padding.
    """
    run = mask.shape[1] // length
    return mask[:, : run * length].reshape(len(mask), length, run).all(dim=2)
