"""Statistics that know no study: estimates, intervals and tests of arrays."""
