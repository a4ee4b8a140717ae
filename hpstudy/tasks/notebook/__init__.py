"""A function that is defined in a notebook or in a script: kept in the study as a pickle, with its source and a digest."""
