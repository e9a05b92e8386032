"""Waveform in, labels and intervals out."""
