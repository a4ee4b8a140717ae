"""What a study claims, and what its trials say of it."""
