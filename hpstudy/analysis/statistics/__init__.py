"""Estimates, intervals and tests of arrays, independent of studies."""
