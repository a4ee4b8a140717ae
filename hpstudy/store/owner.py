"""One writer: who owns a database, who may take it over, and how a writer that lost it finds out.

The owner is a row with its host, process and a random token. A second writer is refused while the owner lives. Whether it
lives, this host's process table tells; for an owner on another host, only its heartbeat can. Every transaction of a writer
renews the row by its token and fails when the token is gone, so two writers can never both succeed.
"""

from __future__ import annotations

import os
import secrets
import socket
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from hpstudy.errors import StoreBusy
from hpstudy.store.decoding import fetch
from hpstudy.store.values import seconds_since, utc_now

HEARTBEAT_S = 30.0
"""How often a writer that has nothing to store should call `Store.heartbeat`."""

STALE_AFTER_S = 600.0
"""Silence after which an owner on another host counts as dead. Shorter: a writer on a stalled network disk loses its study to
another. Longer: a study whose machine died waits longer before another machine may resume it."""

CLOCK_TOLERANCE_S = 5.0
"""Process start times shift by this much when the clock is set. Larger: a process that was given a dead owner's number looks
like the owner."""

_OWN_TOKENS: set[str] = set()
"""Tokens of this process's open stores: a row with our process number but another token is a dead owner's."""


@dataclass(frozen=True)
class Owner:
    """The process that may write.

    Attributes:
        host: name of its machine.
        namespace: what its process numbers are relative to (a container has its own), "" where the system does not say.
        pid: its process number.
        process_started: when the process started, seconds since 1970; tells it from a later process with the same number.
        token: random; the fence that every write must pass.
        since: when it took the database.
        heartbeat_at: its last sign of life.
    """

    host: str
    namespace: str
    pid: int
    process_started: float
    token: str
    since: str
    heartbeat_at: str

    def is_here(self) -> bool:
        """Whether this machine's process table can tell if the owner lives."""
        return (self.host, self.namespace) == (socket.gethostname(), _namespace())

    def silent_s(self) -> float:
        """Seconds since its last sign of life; below 0 when the clock of its machine is ahead of this one's."""
        return seconds_since(self.heartbeat_at)

    def is_alive(self) -> bool:
        """Whether the owner still runs, as far as can be known from here."""
        if not self.is_here():
            # A sign of life from further in the future than clocks differ is no sign of life: nobody should wait for that moment.
            return abs(self.silent_s()) < STALE_AFTER_S
        if self.pid == os.getpid():
            return self.token in _OWN_TOKENS
        import psutil

        try:
            process = psutil.Process(self.pid)
            # A zombie is a dead process whose parent has not yet asked for its exit status.
            same = abs(process.create_time() - self.process_started) < CLOCK_TOLERANCE_S
            return bool(same and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return True


def this_process() -> Owner:
    """A claim of this process, with a fresh token."""
    import psutil

    now = utc_now()
    started = psutil.Process().create_time()
    return Owner(socket.gethostname(), _namespace(), os.getpid(), started, secrets.token_hex(16), now, now)


def read_owner(connection: sqlite3.Connection) -> Owner | None:
    """The recorded owner; None when the last one closed the database."""
    columns = "owner.host owner.namespace owner.pid owner.process_started owner.token owner.since owner.heartbeat_at"
    rows = fetch(connection, columns, "FROM owner")
    return Owner(*rows[0]) if rows else None


def claim(connection: sqlite3.Connection, path: Path) -> tuple[Owner, Owner | None]:
    """Make this process the owner, within the caller's transaction (BEGIN IMMEDIATE).

    Returns:
        The new owner, and the dead one whose place it took (None when the last one closed the database).

    Raises:
        StoreBusy: while another owner lives.
    """
    before = read_owner(connection)
    if before and before.is_alive():
        raise _busy(before, path)
    owner = this_process()
    write_owner(connection, owner)
    return owner, before


def write_owner(connection: sqlite3.Connection, owner: Owner) -> None:
    """Record `owner`, whoever was there before."""
    connection.execute(
        "INSERT OR REPLACE INTO owner VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
        (owner.host, owner.namespace, owner.pid, owner.process_started, owner.token, owner.since, owner.heartbeat_at),
    )
    _OWN_TOKENS.add(owner.token)


def renew(connection: sqlite3.Connection, owner: Owner, path: Path) -> None:
    """A sign of life, and the fence of a write transaction. Raises StoreBusy when another process took the database over."""
    held = connection.execute("UPDATE owner SET heartbeat_at = ? WHERE token = ?", (utc_now(), owner.token))
    if held.rowcount != 1:
        now = read_owner(connection)
        who = f"process {now.pid} on {now.host}, since {now.since}," if now else "another process, which has closed it again,"
        raise StoreBusy(f"{who} took over {path} from this process", "nothing was written after that; wait for it, then resume")


def release(connection: sqlite3.Connection, owner: Owner) -> None:
    """Give the database up, within the caller's transaction."""
    connection.execute("DELETE FROM owner WHERE token = ?", (owner.token,))


def forget(owner: Owner) -> None:
    """Note that this process no longer acts as `owner`, even if the database says so."""
    _OWN_TOKENS.discard(owner.token)


def _busy(owner: Owner, path: Path) -> StoreBusy:
    message = f"{path} is in use by process {owner.pid} on {owner.host}, since {owner.since}"
    if owner.is_here():
        return StoreBusy(message, "wait until it ends, or stop it; then run again")
    silent_s = owner.silent_s()
    left = max(1, round(STALE_AFTER_S - silent_s))
    seen = (
        f"{max(silent_s, 0.0):.0f} s ago"
        if silent_s > -CLOCK_TOLERANCE_S
        else f"{-silent_s:.0f} s in the future: the clocks of the two machines differ"
    )
    return StoreBusy(
        f"{message} (last sign of life {seen})",
        f"stop it there; if it is dead, the database can be taken over in {left} s",
    )


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
