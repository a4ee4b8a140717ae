"""Storage: one SQLite file per study, with one writer (`Store`) and any number of readers (`Reader`)."""

from hpstudy.store.check import check
from hpstudy.store.counts import Counts, by_arm
from hpstudy.store.environments import Environment
from hpstudy.store.events import CODE_CHANGED, Event
from hpstudy.store.export import FORMATS, export
from hpstudy.store.history import TrialRow
from hpstudy.store.listing import incumbent, incumbent_count, incumbents, is_complete, planned_counts
from hpstudy.store.owner import HEARTBEAT_S, Owner
from hpstudy.store.reader import Reader
from hpstudy.store.single_trials import StoredTrial, TrialDetail
from hpstudy.store.summary import BestTrial
from hpstudy.store.trial_writer import EndedTrial, NewTrial
from hpstudy.store.values import STATES, TrialState
from hpstudy.store.writer import Store

__all__ = [
    "CODE_CHANGED",
    "FORMATS",
    "HEARTBEAT_S",
    "STATES",
    "BestTrial",
    "Counts",
    "EndedTrial",
    "Environment",
    "Event",
    "NewTrial",
    "Owner",
    "Reader",
    "Store",
    "StoredTrial",
    "TrialDetail",
    "TrialRow",
    "TrialState",
    "by_arm",
    "check",
    "export",
    "incumbent",
    "incumbent_count",
    "incumbents",
    "is_complete",
    "planned_counts",
]
