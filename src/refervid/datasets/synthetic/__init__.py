"""Made-up clips with known masks: toys with texture and light on a moving background."""
