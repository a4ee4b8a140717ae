"""Best-so-far curves over trials, epochs and training time."""
