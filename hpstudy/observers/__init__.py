"""Observers, which log finished trials in other tools: the registry of observers."""

from __future__ import annotations

from hpstudy.registry import Entry, Registry

OBSERVERS = Registry(
    "observer",
    "subclass hpstudy.observers.interface.TrialObserver and give --observer my_module:MyObserver",
    {
        "tensorboard": Entry(
            "TensorBoard event files in the folder DATABASE.observers/tensorboard",
            "hpstudy.observers.tensorboard:TensorBoardObserver",
        ),
        "mlflow": Entry(
            "an MLflow run for each trial, in the file mlflow.db or at MLFLOW_TRACKING_URI",
            "hpstudy.observers.mlflow:MlflowObserver",
        ),
        "wandb": Entry(
            "a Weights & Biases run for each trial; offline unless WANDB_MODE is set",
            "hpstudy.observers.wandb:WandbObserver",
        ),
    },
)
"""A built-in observer has the name of its library."""
