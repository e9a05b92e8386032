"""A page in the browser to try, correct and export. What it does lies in `session`; the rest shows it."""
