"""Answers and intervals from files, as AL-Ref-SAM 2 publishes its own for AVSBench."""
