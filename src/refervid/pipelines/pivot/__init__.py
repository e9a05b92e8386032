"""AL-Ref-SAM 2: pivots first, then tracks."""
