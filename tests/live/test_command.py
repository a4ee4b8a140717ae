"""The command `hpstudy serve`."""

import os
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import pytest

import hpstudy
from hpstudy.errors import StoreError, UsageError
from hpstudy.live import server
from tests.support.live import ask


@pytest.fixture
def served(monkeypatch):
    """The databases that would be served."""
    found = []
    monkeypatch.setattr(server, "serve", lambda databases, port, announce: found.extend(databases))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_one_address_and_ends_at_a_signal(half, number):
    command = [sys.executable, "-m", "hpstudy", "serve", str(half)]
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    address = process.stdout.readline().strip()
    assert urlsplit(address).hostname == "127.0.0.1"
    assert len(urlsplit(address).path.strip("/")) >= 32
    assert ask(f"{address}0/")[0] == 200
    waiting = socket.create_connection((urlsplit(address).hostname, urlsplit(address).port))
    waiting.sendall(f"GET {urlsplit(address).path}0/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert waiting.recv(100).startswith(b"HTTP/1.1 200")
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    waiting.close()
    assert out == ""
    assert err == "Open this address in a browser on this machine. Ctrl-C ends the server.\n"
    assert process.returncode == (0 if number == signal.SIGINT else 128 + number)


def test_without_a_name_all_databases_are_served(complete, half, served, monkeypatch):
    monkeypatch.setenv("HPSTUDY_STORAGE", str(half.parent))
    hpstudy.serve()
    assert served == [complete, half]


def test_a_database_that_is_missing_is_an_error_and_a_damaged_one_is_not(half, served, tmp_path):
    with pytest.raises(StoreError, match=r"other\.sqlite does not exist"):
        hpstudy.serve([half, tmp_path / "other.sqlite"])
    (tmp_path / "damaged.sqlite").write_bytes(b"no database")
    hpstudy.serve([half, tmp_path / "damaged.sqlite"])
    assert len(served) == 2


def test_a_folder_without_databases_is_an_error(tmp_path, served, monkeypatch):
    monkeypatch.setenv("HPSTUDY_STORAGE", str(tmp_path))
    with pytest.raises(UsageError, match="there is no database in"):
        hpstudy.serve()


def test_without_the_extra_the_error_names_it(half, monkeypatch):
    monkeypatch.setattr("hpstudy.api.serving.find_spec", lambda name: None)
    with pytest.raises(UsageError) as error:
        hpstudy.serve([half])
    assert error.value.hint == "pip install 'hpstudy[serve]'"


def test_a_port_that_is_taken_is_an_error(half):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match="cannot be used"):
            hpstudy.serve([half], port=taken.getsockname()[1])
