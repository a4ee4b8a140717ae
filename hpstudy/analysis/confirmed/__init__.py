"""Confirmed curves (the incumbents of a search trained on fresh seeds) and the declared endpoints on them."""
