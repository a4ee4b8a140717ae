"""Keeping it: one SQLite file per study, with one writer (`Store`) and any number of readers (`Reader`)."""

from hpstudy.store.check import check
from hpstudy.store.confirmations import ConfirmationRow, Confirmed
from hpstudy.store.export import FORMATS, export
from hpstudy.store.owner import HEARTBEAT_S, Owner
from hpstudy.store.reader import Reader
from hpstudy.store.rows import STATES, BestTrial, Environment, Event, TrialRow, TrialState
from hpstudy.store.writer import Store

__all__ = [
    "FORMATS",
    "HEARTBEAT_S",
    "STATES",
    "BestTrial",
    "ConfirmationRow",
    "Confirmed",
    "Environment",
    "Event",
    "Owner",
    "Reader",
    "Store",
    "TrialRow",
    "TrialState",
    "check",
    "export",
]
