import random


def objective(trial):
    """Replace this by your objective. Every view tunes or fixes what it suggests."""
    learning_rate = trial.suggest_float("learning_rate", 1e-3, 1.0, log=True)
    momentum = trial.suggest_float("momentum", 0.0, 0.99)
    return (learning_rate - 0.1) ** 2 + (momentum - 0.5) ** 2 + random.gauss(0, 0.01)
