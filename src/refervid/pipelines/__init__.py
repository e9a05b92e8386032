"""From a clip and references to results."""
