import os
import re
import signal
import socket
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from hpstudy.errors import StoreBusy
from hpstudy.store import Reader, Store, owner
from hpstudy.store.connection import connect_writer
from tests.support.trials import start


def set_owner(path, **columns):
    connection = connect_writer(path)
    for name, value in columns.items():
        connection.execute(f"UPDATE owner SET {name} = ?", (value,))
    connection.close()


def test_a_second_writer_in_the_same_process_is_refused(store, path):
    with pytest.raises(StoreBusy, match=f"in use by process {os.getpid()} on {socket.gethostname()}, since 20"):
        Store.open(path)


def test_a_second_writer_is_refused_with_the_first_ones_process(store, path, held):
    store.close()
    with held(path) as process, pytest.raises(StoreBusy, match=f"in use by process {process.pid} on"):
        Store.open(path)


def test_a_closed_store_is_free(store, path):
    store.close()
    Store.open(path).close()
    with Reader.open(path) as reader:
        assert reader.owner() is None


def test_the_owner_can_be_seen_by_readers(store, path):
    with Reader.open(path) as reader:
        seen = reader.owner()
    assert (seen.pid, seen.host, seen.is_alive()) == (os.getpid(), socket.gethostname(), True)


def test_a_dead_owner_is_replaced(abandoned):
    Store.open(abandoned).close()


def test_taking_over_is_recorded(abandoned):
    with Reader.open(abandoned) as reader:
        dead = reader.owner()
    Store.open(abandoned).close()
    with Reader.open(abandoned) as reader:
        event = reader.events()[-1]
    assert (event.kind, event.detail["pid"], event.detail["since"]) == ("taken_over", dead.pid, dead.since)


def test_a_dead_owner_that_its_parent_has_not_yet_buried_is_replaced(store, path, held):
    store.close()
    with held(path) as process:
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        Store.open(path).close()


def test_another_process_with_the_dead_owners_number_does_not_count(abandoned):
    started = psutil.Process(os.getppid()).create_time()
    heartbeat = datetime.fromtimestamp(started - 1000, UTC).isoformat()
    set_owner(abandoned, pid=os.getppid(), process_started=started - 2000, heartbeat_at=heartbeat)
    Store.open(abandoned).close()


@pytest.mark.parametrize("shift_s", [-7200, 7200])
def test_a_live_owner_keeps_the_database_when_the_clock_is_set(store, path, held, monkeypatch, shift_s):
    """All start times shift with the clock, and so do heartbeats from then on."""
    store.close()
    create_time = psutil.Process.create_time
    with held(path) as process:
        if shift_s > 0:
            set_owner(path, heartbeat_at=(datetime.now(UTC) + timedelta(seconds=shift_s)).isoformat())
        monkeypatch.setattr(psutil.Process, "create_time", lambda self: create_time(self) + shift_s)
        with pytest.raises(StoreBusy, match=f"in use by process {process.pid} on"):
            Store.open(path)


def test_a_live_owner_keeps_the_database_before_its_first_heartbeat_after_the_clock_is_set_forward(
    store, path, held, monkeypatch
):
    store.close()
    create_time = psutil.Process.create_time
    with held(path) as process:
        monkeypatch.setattr(psutil.Process, "create_time", lambda self: create_time(self) + 7200)
        with pytest.raises(StoreBusy, match=f"in use by process {process.pid} on"):
            Store.open(path)


def test_a_process_is_not_mistaken_for_the_dead_owner_whose_number_it_has(abandoned):
    set_owner(abandoned, pid=os.getpid(), process_started=owner.this_process(abandoned).process_started)
    Store.open(abandoned).close()


def test_a_silent_owner_on_this_host_keeps_the_database_while_it_lives(store, path):
    set_owner(path, heartbeat_at="2020-01-01T00:00:00.000Z")
    with pytest.raises(StoreBusy):
        Store.open(path)


@pytest.mark.parametrize("elsewhere", [{"host": "elsewhere"}, {"namespace": "pid:[1]"}], ids=["host", "container"])
def test_an_owner_elsewhere_keeps_the_database_while_its_heart_beats(abandoned, elsewhere):
    set_owner(abandoned, heartbeat_at=owner.utc_now(), **elsewhere)
    with pytest.raises(StoreBusy, match="last heartbeat 0 s ago") as caught:
        Store.open(abandoned)
    assert "can be taken over in 600 s" in caught.value.hint


def test_an_owner_elsewhere_is_replaced_after_a_long_silence(abandoned):
    set_owner(abandoned, host="elsewhere", heartbeat_at="2020-01-01T00:00:00.000Z")
    Store.open(abandoned).close()


def test_an_owner_elsewhere_whose_clock_is_ahead_keeps_the_database(abandoned):
    ahead = (datetime.now(UTC) + timedelta(seconds=300)).isoformat()
    set_owner(abandoned, host="elsewhere", heartbeat_at=ahead)
    with pytest.raises(StoreBusy, match=r"in the future: the clocks of the two machines differ") as caught:
        Store.open(abandoned)
    assert re.search("can be taken over in (899|900) s", caught.value.hint)


def test_nobody_waits_for_a_heartbeat_from_far_in_the_future(abandoned):
    set_owner(abandoned, host="elsewhere", heartbeat_at="2999-01-01T00:00:00.000Z")
    with Reader.open(abandoned) as reader:
        assert not reader.owner().is_alive()
    Store.open(abandoned).close()


def test_a_heartbeat_is_a_sign_of_life(store, path):
    set_owner(path, heartbeat_at="2020-01-01T00:00:00.000Z")
    store.heartbeat()
    with Reader.open(path) as reader:
        assert reader.owner().silent_s() < owner.HEARTBEAT_S


def test_every_write_is_a_sign_of_life(store, path, add):
    set_owner(path, heartbeat_at="2020-01-01T00:00:00.000Z")
    add(0)
    with Reader.open(path) as reader:
        assert reader.owner().silent_s() < owner.HEARTBEAT_S


def test_a_writer_that_was_replaced_can_write_nothing_more(store, path, key, point):
    set_owner(path, token="another", pid=7, host="elsewhere")
    with pytest.raises(StoreBusy, match=r"process 7 on elsewhere \(since .*\) took over"):
        start(store, key, 0, point, 0.0)
    with Reader.open(path) as reader:
        assert reader.history(key) == []


def test_a_writer_that_was_replaced_leaves_the_lock_to_its_successor(store, path):
    set_owner(path, token="another", host="elsewhere")
    store.close()
    with Reader.open(path) as reader:
        assert reader.owner().token == "another"


def test_a_writer_whose_successor_has_closed_again_can_write_nothing_more(store, path):
    connection = connect_writer(path)
    connection.execute("DELETE FROM owner")
    connection.close()
    with pytest.raises(StoreBusy, match="took over"):
        store.heartbeat()
