"""Supplementary statistics, which do not change the headline: second opinions, ratings over all trials, robustness."""
