import hashlib
import http.server
import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from unittest.mock import Mock

import numpy as np
import pytest

from hpstudy.data.cache import NotWritable
from hpstudy.data.download import download
from hpstudy.errors import DataError

CONTENT = np.random.default_rng(0).bytes(700_000)


@dataclass
class Server:
    """A server of one file, and how it misbehaves."""

    url: str = ""
    content: bytes = CONTENT
    etag: str | None = '"v1"'
    ranges: bool = True
    break_after: int | None = None
    status: int = 200
    says_length: bool = True
    requests: list[str | None] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range")
            state.requests.append(wanted)
            if state.status != 200:
                self.send_error(state.status)
                return
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted else 0
            partial = bool(start) and state.ranges and self.headers.get("If-Range") == state.etag
            start = start if partial else 0
            if partial and start >= len(state.content):
                self.send_error(416)
                return
            self.send_response(206 if partial else 200)
            if partial:
                self.send_header("Content-Range", f"bytes {start}-{len(state.content) - 1}/{len(state.content)}")
            if state.says_length:
                self.send_header("Content-Length", str(len(state.content) - start))
            if state.etag:
                self.send_header("ETag", state.etag)
            self.end_headers()
            self.wfile.write(state.content[start:][: state.break_after])

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        state.url = f"http://127.0.0.1:{httpd.server_address[1]}/file.zip"
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        httpd.shutdown()
        thread.join()


def get(server, tmp_path, sha256=None):
    target = tmp_path / "downloads" / "file.zip"
    download(server.url, target, sha256, lambda *_: None)
    return target.read_bytes()


def break_off(server, tmp_path, after=300_000):
    server.break_after = after
    with pytest.raises(DataError, match="stopped after"):
        get(server, tmp_path)
    server.break_after = None


def test_a_file_arrives_whole(server, tmp_path):
    assert get(server, tmp_path) == CONTENT


def test_an_interrupted_download_leaves_no_file_of_that_name(server, tmp_path):
    break_off(server, tmp_path)
    assert not (tmp_path / "downloads" / "file.zip").exists()


def test_an_interrupted_download_asks_for_the_rest_only(server, tmp_path):
    break_off(server, tmp_path, after=300_000)
    assert get(server, tmp_path) == CONTENT
    assert server.requests == [None, "bytes=300000-"]


def test_a_server_without_ranges_sends_the_whole_file_again(server, tmp_path):
    break_off(server, tmp_path)
    server.ranges = False
    assert get(server, tmp_path) == CONTENT


def test_a_file_that_changed_meanwhile_is_fetched_from_the_start(server, tmp_path):
    break_off(server, tmp_path)
    server.content, server.etag = CONTENT[::-1], '"v2"'
    assert get(server, tmp_path) == CONTENT[::-1]


def test_a_file_without_an_identity_is_fetched_from_the_start(server, tmp_path):
    server.etag = None
    break_off(server, tmp_path)
    assert get(server, tmp_path) == CONTENT
    assert server.requests == [None, None]


def test_a_part_that_is_longer_than_the_file_is_fetched_from_the_start(server, tmp_path):
    break_off(server, tmp_path)
    server.content = CONTENT[:200_000]
    assert get(server, tmp_path) == CONTENT[:200_000]


def test_a_file_of_unknown_length_arrives(server, tmp_path):
    server.says_length = False
    assert get(server, tmp_path) == CONTENT


def test_a_known_checksum_is_compared(server, tmp_path):
    assert get(server, tmp_path, hashlib.sha256(CONTENT).hexdigest()) == CONTENT


def test_the_beginning_of_a_checksum_is_compared(server, tmp_path):
    beginning = hashlib.sha256(CONTENT).hexdigest()[:8]
    assert get(server, tmp_path, beginning) == CONTENT
    with pytest.raises(DataError, match="checksum"):
        get(server, tmp_path, beginning[1:])


def test_a_file_with_another_checksum_is_refused_and_not_continued(server, tmp_path):
    with pytest.raises(DataError, match="checksum"):
        get(server, tmp_path, hashlib.sha256(b"other").hexdigest())
    assert get(server, tmp_path, hashlib.sha256(CONTENT).hexdigest()) == CONTENT
    assert server.requests == [None, None]


@pytest.mark.parametrize("status", [404, 403, 500])
def test_a_server_that_refuses_is_a_data_error_with_its_status(server, tmp_path, status):
    server.status = status
    with pytest.raises(DataError, match=str(status)):
        get(server, tmp_path)


def test_no_server_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="cannot be downloaded"):
        download("http://127.0.0.1:9/file.zip", tmp_path / "file.zip", None, lambda *_: None)


def test_an_error_without_words_is_named(server, tmp_path, monkeypatch):
    def silent(*_, **__):
        raise TimeoutError

    monkeypatch.setattr("urllib.request.urlopen", silent)
    with pytest.raises(DataError, match="cannot be downloaded: TimeoutError"):
        get(server, tmp_path)


@pytest.mark.parametrize("error", [ssl.SSLError(1, "bad record"), OSError(113, "No route to host")])
def test_a_connection_that_breaks_is_a_data_error_and_continues(error, server, tmp_path, monkeypatch):
    break_off(server, tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr("http.client.HTTPResponse.read", Mock(side_effect=error))
        with pytest.raises(DataError, match=r"cannot be downloaded: .*(bad record|No route to host)"):
            get(server, tmp_path)
    assert get(server, tmp_path) == CONTENT
    assert server.requests == [None, "bytes=300000-", "bytes=300000-"]


def test_progress_is_told_of_bytes_out_of_all(server, tmp_path):
    told = []
    download(server.url, tmp_path / "file.zip", None, lambda *what: told.append(what))
    assert told[-1] == (len(CONTENT), len(CONTENT), "bytes")


def test_a_part_that_cannot_be_written_is_said_so_and_not_that_the_server_fails(server, tmp_path, small_files_only):
    with small_files_only(), pytest.raises(NotWritable, match=r"cannot prepare .*\.part: File too large"):
        get(server, tmp_path)
