"""The engine: the scheduler runs the searches of a study, and the executors run their steps."""
