"""A page in the browser to try, correct and export. What it does lies in `studio`; the rest shows it."""
