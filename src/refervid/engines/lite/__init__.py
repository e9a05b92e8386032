"""The embedded default: everything it needs lies in this folder."""
