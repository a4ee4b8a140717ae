"""Contract suites for pytest. Run them on your own data set, executor, method, searcher or task."""
