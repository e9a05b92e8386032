"""Published data sets and the user's own, each in its true layout: what to look for, where, and the truth."""
