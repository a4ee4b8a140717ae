"""Ownership of a database by its single writer, and takeover from a dead writer.

The owner is a row with host, process ID and a random token. A second writer is refused while the owner is alive. For an owner on
this host, the process table shows whether it is alive. For an owner on another host, only its heartbeat does. Every transaction of
a writer updates the row by its token and fails if the token is gone, so that two writers can never both succeed.
"""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hpstudy.errors import StoreBusy
from hpstudy.store.decoding import fetch
from hpstudy.store.values import seconds_since, timestamp, utc_now

if TYPE_CHECKING:
    import psutil

HEARTBEAT_S = 30.0
"""Interval at which a writer that has nothing to store should call `Store.heartbeat`."""

STALE_AFTER_S = 600.0
"""Time without a heartbeat after which an owner on another host counts as dead. Shorter: a writer on a stalled network disk loses its
study to another one. Longer: after a machine has crashed, another machine has to wait longer before it can resume the study."""

CLOCK_TOLERANCE_S = 5.0
"""Process start times are known to about a second. Smaller: a live owner that has just started can be replaced. Larger: a new process with
the PID of a dead owner can be mistaken for the owner."""

_OWN_TOKENS: set[str] = set()
"""Tokens of the stores that this process has open. A row with our PID but another token belongs to a dead owner."""


@dataclass(frozen=True)
class Owner:
    """The process that may write to a database.

    Attributes:
        path: absolute path of the database.
        host: host name of its machine.
        namespace: PID namespace of the process (a container has its own); "" if it cannot be determined.
        pid: process ID.
        process_started: start time of the process in seconds since 1970.
        token: random; every write transaction checks that it is still stored.
        since: when it claimed the database.
        heartbeat_at: time of its last heartbeat.
    """

    path: Path
    host: str
    namespace: str
    pid: int
    process_started: float
    token: str
    since: str
    heartbeat_at: str

    def is_here(self) -> bool:
        """Return whether the owner is in this machine's process table, if it is alive."""
        return (self.host, self.namespace) == (socket.gethostname(), _namespace())

    def silent_s(self) -> float:
        """Return the seconds since the last heartbeat; negative if the clock of the owner's machine is ahead of this one."""
        return seconds_since(self.heartbeat_at)

    def is_alive(self) -> bool:
        """Return whether the owner is still running, as far as this machine can determine."""
        if not self.is_here():
            # A heartbeat from the far future is not evidence of a live owner: the next writer would have to wait until then.
            return abs(self.silent_s()) < STALE_AFTER_S
        if self.pid == os.getpid():
            return self.token in _OWN_TOKENS
        import psutil

        try:
            process = psutil.Process(self.pid)
            # A process that has the number of a dead owner started after its last heartbeat. When the clock of the machine is set, all
            # start times shift, so that a live owner seems to have started later until its next heartbeat; but it has the database open.
            later = process.create_time() - timestamp(self.heartbeat_at) > CLOCK_TOLERANCE_S
            # A zombie is a dead process whose parent has not yet read its exit status.
            return process.status() != psutil.STATUS_ZOMBIE and (not later or _has_open(process, self.path))
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return True


def this_process(path: Path) -> Owner:
    """Return a record of this process, with a new token, as the owner of the database at `path`."""
    import psutil

    now = utc_now()
    started = psutil.Process().create_time()
    return Owner(path, socket.gethostname(), _namespace(), os.getpid(), started, secrets.token_hex(16), now, now)


def read_owner(connection: sqlite3.Connection, path: Path) -> Owner | None:
    """Return the recorded owner of the database at `path`; None if the last owner closed the database."""
    columns = "owner.host owner.namespace owner.pid owner.process_started owner.token owner.since owner.heartbeat_at"
    rows = fetch(connection, columns, "FROM owner")
    return Owner(path, *rows[0]) if rows else None


def claim(connection: sqlite3.Connection, path: Path) -> tuple[Owner, Owner | None]:
    """Make this process the owner, within the caller's transaction (BEGIN IMMEDIATE).

    Returns:
        The new owner, and the dead owner that it replaces (None if the last owner closed the database).

    Raises:
        StoreBusy: another owner is alive.
    """
    before = read_owner(connection, path)
    if before and before.is_alive():
        raise _busy(before, path)
    owner = this_process(path)
    write_owner(connection, owner)
    return owner, before


def write_owner(connection: sqlite3.Connection, owner: Owner) -> None:
    """Store `owner`, replacing any recorded owner."""
    connection.execute(
        "INSERT OR REPLACE INTO owner VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
        (owner.host, owner.namespace, owner.pid, owner.process_started, owner.token, owner.since, owner.heartbeat_at),
    )
    _OWN_TOKENS.add(owner.token)


def renew(connection: sqlite3.Connection, owner: Owner, path: Path) -> None:
    """Update the heartbeat within a write transaction. Raises StoreBusy if another process has taken over the database."""
    updated = connection.execute("UPDATE owner SET heartbeat_at = ? WHERE token = ?", (utc_now(), owner.token))
    if updated.rowcount != 1:
        row = read_owner(connection, path)
        name = f"process {row.pid} on {row.host} (since {row.since})" if row else "another process, which has closed it again,"
        raise StoreBusy(
            f"{name} took over {path} from this process", "nothing was written after that. Wait for it to end, then resume."
        )


def release(connection: sqlite3.Connection, owner: Owner) -> None:
    """Remove the owner record, within the caller's transaction."""
    connection.execute("DELETE FROM owner WHERE token = ?", (owner.token,))


def forget(owner: Owner) -> None:
    """Forget the token: this process no longer acts as `owner`, even if the database still records it."""
    _OWN_TOKENS.discard(owner.token)


def _busy(owner: Owner, path: Path) -> StoreBusy:
    message = f"{path} is in use by process {owner.pid} on {owner.host}, since {owner.since}"
    if owner.is_here():
        return StoreBusy(message, "wait until it ends or stop it, then run again")
    silent_s = owner.silent_s()
    remaining_s = max(1, round(STALE_AFTER_S - silent_s))
    heartbeat = (
        f"{max(silent_s, 0.0):.0f} s ago"
        if silent_s > -CLOCK_TOLERANCE_S
        else f"{-silent_s:.0f} s in the future: the clocks of the two machines differ"
    )
    return StoreBusy(
        f"{message} (last heartbeat {heartbeat})",
        f"stop it on that machine. If it is dead, the database can be taken over in {remaining_s} s.",
    )


def _has_open(process: psutil.Process, path: Path) -> bool:
    """Whether a process has a file open; false if this user may not know."""
    import psutil

    try:
        return str(path.resolve()) in {file.path for file in process.open_files()}
    except psutil.AccessDenied:
        return False


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
