"""Trials-to-target: the number of trials that a view needs to reach the target level."""
