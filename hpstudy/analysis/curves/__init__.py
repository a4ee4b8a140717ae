"""What a search has found by then: best-so-far curves over trials and over training time."""
