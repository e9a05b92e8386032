"""A person's work on one clip, kept through every edit: a journal of edits, and files that never change."""
