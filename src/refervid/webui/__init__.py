"""A page in the browser to try, correct and export. What it does lies in `desk` and `clip_work`; the rest
shows it.
"""
