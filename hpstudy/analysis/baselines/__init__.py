"""What searches are worth against random search and the default point."""
