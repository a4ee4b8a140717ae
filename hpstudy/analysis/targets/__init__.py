"""How many trials a view needs to reach the target level."""
