"""Choosers that ask a language model with vision.

`chooser` turns the design's questions into prompts and replies into choices; a `model` only answers one
prompt with one picture: over HTTP (`server`) or in this process (`local`).
"""
