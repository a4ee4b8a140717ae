"""Confirmed curves, the incumbents of a search on fresh seeds, and the endpoints that a study declares on them."""
