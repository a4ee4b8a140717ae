"""hpstudy from Python: what the command line does, as functions. `hpstudy` has their names."""
