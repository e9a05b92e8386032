"""Measures of segmentation quality: pure functions and accumulators on masks."""
