"""Pivots in, tracks out."""
