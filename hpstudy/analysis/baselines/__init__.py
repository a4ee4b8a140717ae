"""Comparisons of searches with random search and the default point."""
