"""The hosts that run the steps of a session: recorded, a row of `environment` each."""

from __future__ import annotations

from collections.abc import Mapping

from hpstudy.engine.environment import host_environment
from hpstudy.environments import ROLE, WORKER
from hpstudy.store import Store


class Hosts:
    """Rows of `environment` for the hosts and library versions that ran steps of this session.

    Args:
        store: its session has begun.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: list[tuple[Mapping[str, str], int | None]] = [({}, None), (host_environment(), None)]

    def row(self, environment: Mapping[str, str]) -> int | None:
        """The id of the row of an environment, recorded when it is new; None for that of the session, and where it is not known."""
        for known, number in self._known:
            if environment == known:
                return number
        number = self._store.add_environment({**environment, ROLE: WORKER})
        self._known.append((environment, number))
        return number
