"""Data sets through a pipeline: items, resume, scores, submission files."""
