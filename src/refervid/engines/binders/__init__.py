"""Which named object sounds in which interval."""
