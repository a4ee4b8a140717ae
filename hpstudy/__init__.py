"""hpstudy: hyperparameter-tuning studies.

    study = hpstudy.load_study("studies/quick.yaml")
    hpstudy.run(study)
    trials = hpstudy.open("runs/quick.sqlite").trials()      # a pandas DataFrame

Importing hpstudy is instant: what a call needs is imported by the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpstudy.api import figure, load_study, open, resume, run

__all__ = ["figure", "load_study", "open", "resume", "run"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        from hpstudy import api

        return getattr(api, name)
    raise AttributeError(f"module 'hpstudy' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
