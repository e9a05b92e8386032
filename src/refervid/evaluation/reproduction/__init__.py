"""The rows of both papers' tables: what to run for each, what it lacks here, and how it compares."""
