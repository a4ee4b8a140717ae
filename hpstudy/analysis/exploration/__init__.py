"""Exploration of the search spaces, and importance of the hyperparameters."""
