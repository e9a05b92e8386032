"""Training of SOC."""
