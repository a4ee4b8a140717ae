"""Proposals for one search: a Gaussian process and an acquisition of BoTorch."""
