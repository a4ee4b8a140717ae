"""Runs a user's program, in any language, by its command line."""
