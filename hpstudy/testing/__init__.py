"""Contract suites for pytest: run them on your own data set, executor, method, searcher or task."""
