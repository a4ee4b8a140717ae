"""Comparisons of two views, paired by replicate."""
