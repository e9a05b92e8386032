"""Which frame, which box, which objects sound."""
