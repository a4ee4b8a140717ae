"""The claims that a study declares, and their verdicts."""
