"""The trials of a study as arrays, and their completeness."""
