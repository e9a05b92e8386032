"""Values, errors and files: what every room stands on."""
