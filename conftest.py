"""Modules without examples to run: the adapters of libraries that are not installed."""

from importlib.util import find_spec

collect_ignore = [f"hpstudy/observers/{name}.py" for name in ("mlflow", "tensorboard", "wandb") if find_spec(name) is None]
