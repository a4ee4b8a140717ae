"""Loads a study file: checks it against its task and searcher, and fills in their defaults."""
