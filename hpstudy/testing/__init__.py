"""For tests and benchmarks, ours and third parties': contract suites of the seams, and synthetic databases."""
