"""A program of the user's, in any language, run by its command line."""
