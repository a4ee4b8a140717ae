"""Supplementary statistics, which do not change the headline: alternative tests, anytime scores, robustness."""
