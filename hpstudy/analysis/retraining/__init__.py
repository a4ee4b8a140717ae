"""Analysis of the incumbents trained again on fresh seeds."""
