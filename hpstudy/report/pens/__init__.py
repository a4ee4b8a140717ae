"""Draw any chart with a plotting library."""
