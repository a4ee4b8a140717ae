"""Helpers of this repository's tests."""
