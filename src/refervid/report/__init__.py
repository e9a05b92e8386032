"""What a run leaves behind: results, their files, and a page to look at."""
