"""Settings: what the environment says, changes by name, problems in words."""
