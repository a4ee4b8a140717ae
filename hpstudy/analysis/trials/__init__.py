"""What was run: the trials of a study as arrays, and how complete they are."""
