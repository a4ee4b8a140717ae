"""What searches chose, trained again on fresh seeds."""
