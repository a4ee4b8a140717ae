"""Sweeps: studies whose points are known beforehand."""
