"""Functions that are defined in a notebook or a script. The study stores them as a pickle, with their source and a digest."""
