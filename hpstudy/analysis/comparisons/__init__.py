"""Two views against each other, paired by replicate."""
