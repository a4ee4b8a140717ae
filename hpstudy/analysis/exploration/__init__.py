"""How the searches explored their spaces, and which hyperparameters matter."""
