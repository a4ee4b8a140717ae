"""Sweeps: studies with predefined points."""
