"""Keeping it: one SQLite file per study, with one writer (`Store`) and any number of readers (`Reader`)."""

from hpstudy.store.check import check
from hpstudy.store.export import FORMATS, export
from hpstudy.store.listing import incumbent, is_complete
from hpstudy.store.owner import HEARTBEAT_S, Owner
from hpstudy.store.reader import Reader
from hpstudy.store.rows import STATES, BestTrial, Environment, Event, TrialRow, TrialState
from hpstudy.store.summary import by_arm, finished
from hpstudy.store.writer import Store

__all__ = [
    "FORMATS",
    "HEARTBEAT_S",
    "STATES",
    "BestTrial",
    "Environment",
    "Event",
    "Owner",
    "Reader",
    "Store",
    "TrialRow",
    "TrialState",
    "by_arm",
    "check",
    "export",
    "finished",
    "incumbent",
    "is_complete",
]
