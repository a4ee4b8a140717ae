"""Doing it: the scheduler runs the searches of a study, the executors run their steps."""
