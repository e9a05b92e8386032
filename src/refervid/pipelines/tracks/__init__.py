"""Tracks first: what is in the clip is found once, then every sentence is held against whole tracks."""
