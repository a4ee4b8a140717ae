"""From a study file to a study that can run: checked against its task and searcher, with their defaults filled in."""
