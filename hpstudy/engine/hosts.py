"""Records the hosts that run the steps of a session, one row of `environment` each."""

from __future__ import annotations

from collections.abc import Mapping

from hpstudy.engine.admission import MIXED_HINT, version_differences
from hpstudy.engine.environment import host_environment
from hpstudy.engine.progress import Observer
from hpstudy.environments import ROLE, WORKER
from hpstudy.errors import StudyChanged
from hpstudy.store import Store


class Hosts:
    """Rows of `environment` for the hosts and library versions that ran steps of this session.

    Args:
        store: a database with a started session.
        observer: notified of different versions.
        allow_mixed: record hosts with different versions instead of rejecting them.
    """

    def __init__(self, store: Store, observer: Observer, allow_mixed: bool = False) -> None:
        self._store = store
        self._observer = observer
        self._allow_mixed = allow_mixed
        self._rows: dict[frozenset[tuple[str, str]], int | None] = {
            frozenset(): None,
            frozenset(host_environment().items()): None,
        }

    def row(self, environment: Mapping[str, str]) -> int | None:
        """The row id of an environment, which is recorded if it is new; None for the session's own and for an unknown one.

        Raises:
            StudyChanged: its library versions differ from those of the session, and `allow_mixed` is false.
        """
        items = frozenset(environment.items())
        if items in self._rows:
            return self._rows[items]
        if differences := [f"{environment['host']}: {line}" for line in version_differences(environment)]:
            if not self._allow_mixed:
                raise StudyChanged(f"a step ran with other versions, and was not stored: {'; '.join(differences)}", MIXED_HINT)
            self._observer.note(f"hosts differ, which can change numbers (--allow-mixed): {'; '.join(differences)}; recorded")
            self._store.event("mixed_hosts", mixed_libraries=differences)
        self._rows[items] = self._store.add_environment({**environment, ROLE: WORKER})
        return self._rows[items]
