"""Frame and text in, candidates out."""
