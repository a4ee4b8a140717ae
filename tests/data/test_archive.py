import gzip
import io
import os
import stat
import tarfile
import tracemalloc
import zipfile
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from hpstudy.data.archive import Limits, unpack
from hpstudy.data.cache import NotWritable
from hpstudy.errors import DataError


def zip_of(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    return path


def tar_of(path: Path, *members: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as packed:
        for member in members:
            packed.addfile(member, io.BytesIO(bytes(member.size)))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 0) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return info


@pytest.fixture
def into(tmp_path) -> Path:
    folder = tmp_path / "inside"
    folder.mkdir()
    return folder


def assert_refused(archive: Path, into: Path, reason: str, **limits):
    with pytest.raises(DataError, match=reason):
        unpack(archive, into, limits=Limits(**limits))
    assert [path for path in into.parent.rglob("*") if path.is_file()] == [archive], "something was written"


def test_a_zip_gives_its_files(tmp_path, into):
    unpack(zip_of(tmp_path / "a.zip", {"top/one.wav": b"1", "top/deep/two.wav": b"22"}), into)
    assert (into / "top/deep/two.wav").read_bytes() == b"22"


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_a_tar_gives_its_files(tmp_path, into, mode):
    with tarfile.open(tmp_path / "a.tar", mode) as packed:
        packed.addfile(member("top/one.wav", size=3), io.BytesIO(b"abc"))
    unpack(tmp_path / "a.tar", into)
    assert (into / "top/one.wav").read_bytes() == b"abc"


def test_only_files_with_the_suffix_are_written(tmp_path, into):
    unpack(zip_of(tmp_path / "a.zip", {"one.wav": b"1", "read.me": b"2"}), into, suffix=".wav")
    assert [path.name for path in into.iterdir()] == ["one.wav"]


def test_an_archive_that_may_not_be_read_is_not_called_damaged(tmp_path, into, monkeypatch):
    archive = zip_of(tmp_path / "a.zip", {"a.wav": b"1"})
    monkeypatch.setattr(Path, "open", Mock(side_effect=PermissionError(13, "Permission denied")))
    with pytest.raises(DataError, match=r"a.zip cannot be read: Permission denied"):
        unpack(archive, into)


@pytest.mark.parametrize("name", ["../out.wav", "a/../../out.wav", "/tmp/out.wav", "..\\out.wav", "C:out.wav", "C:\\out.wav"])
def test_a_zip_with_a_name_that_leaves_the_folder_is_refused(tmp_path, into, name):
    assert_refused(zip_of(tmp_path / "a.zip", {"good.wav": b"1", name: b"2"}), into, "leads out of the folder")


@pytest.mark.parametrize("name", ["../out.wav", "/tmp/out.wav"])
def test_a_tar_with_a_name_that_leaves_the_folder_is_refused(tmp_path, into, name):
    assert_refused(tar_of(tmp_path / "a.tgz", member("good.wav", size=1), member(name)), into, "leads out of the folder")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_tar_with_a_link_is_refused(tmp_path, into, kind):
    assert_refused(tar_of(tmp_path / "a.tgz", member("link", kind, "/etc/passwd")), into, "'link' is a link")


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_a_tar_with_a_device_is_refused(tmp_path, into, kind):
    assert_refused(tar_of(tmp_path / "a.tgz", member("device", kind)), into, "'device' is a device")


def test_a_zip_with_a_link_is_refused(tmp_path, into):
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(info, "/etc/passwd")
    assert_refused(tmp_path / "a.zip", into, "'link' is a link")


def test_an_archive_with_a_name_twice_is_refused(tmp_path, into):
    assert_refused(tar_of(tmp_path / "a.tgz", member("a.wav"), member("A.wav")), into, "occurs twice")


def test_an_archive_that_unpacks_to_a_hundred_times_its_size_is_refused(tmp_path, into):
    assert_refused(zip_of(tmp_path / "a.zip", {"zeros.wav": bytes(10_000_000)}), into, "would unpack to more than")


def test_an_archive_that_unpacks_to_more_than_the_limit_is_refused(tmp_path, into):
    assert_refused(
        zip_of(tmp_path / "a.zip", {"a.wav": bytes(600), "b.wav": bytes(600)}), into, "more than 1,000", total_bytes=1000
    )


def test_an_archive_with_too_many_entries_is_refused(tmp_path, into):
    names = {f"{number}.wav": b"" for number in range(4)}
    assert_refused(zip_of(tmp_path / "a.zip", names), into, "more than 3 entries", entries=3)


def test_an_archive_that_lies_about_a_size_is_refused(tmp_path, into):
    archive = zip_of(tmp_path / "a.zip", {"a.wav": np.random.default_rng(0).bytes(5000)})
    content = bytearray(archive.read_bytes())
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = (10).to_bytes(4, "little")
    archive.write_bytes(content)
    with pytest.raises(DataError, match="cannot be unpacked"):
        unpack(archive, into)


def test_an_encrypted_archive_is_one_error(tmp_path, into):
    archive = zip_of(tmp_path / "a.zip", {"a.wav": b"abc"})
    content = bytearray(archive.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    archive.write_bytes(content)
    with pytest.raises(DataError, match="encrypted"):
        unpack(archive, into)


@pytest.mark.parametrize("suffix", [".zip", ".tgz"])
def test_a_file_that_is_no_archive_is_one_error(tmp_path, into, suffix):
    (tmp_path / f"a{suffix}").write_bytes(b"<html>404</html>" * 100)
    with pytest.raises(DataError, match="is not a zip or tar archive"):
        unpack(tmp_path / f"a{suffix}", into)


@pytest.mark.parametrize("kind", ["zip", "gz", "xz"])
def test_an_archive_truncated_anywhere_is_a_data_error(tmp_path, kind):
    noise = {f"{number}.wav": np.random.default_rng(number).bytes(3000) for number in range(3)}
    whole = zip_of(tmp_path / "whole.zip", noise)
    if kind != "zip":
        whole = tmp_path / f"whole.tar.{kind}"
        with tarfile.open(whole, f"w:{kind}") as packed:  # type: ignore[call-overload]
            for name, content in noise.items():
                packed.addfile(member(name, size=len(content)), io.BytesIO(content))
    content = whole.read_bytes()
    for number, length in enumerate(range(0, len(content) - 1100, 331)):
        (part := tmp_path / f"part{number}.{kind}").write_bytes(content[:length])
        (folder := tmp_path / f"into{number}").mkdir()
        with pytest.raises(DataError):
            unpack(part, folder)


@pytest.mark.parametrize("kind", ["zip", "gz"])
def test_a_damaged_archive_is_a_data_error_or_gives_what_was_packed(tmp_path, kind):
    noise = np.random.default_rng(0).bytes(2000)
    whole = zip_of(tmp_path / "whole.zip", {"a.wav": noise})
    if kind == "gz":
        whole = tmp_path / "whole.tgz"
        with tarfile.open(whole, "w:gz") as packed:
            packed.addfile(member("a.wav", size=len(noise)), io.BytesIO(noise))
    rng = np.random.default_rng(1)
    for number in range(150):
        content = bytearray(whole.read_bytes())
        content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
        (part := tmp_path / f"part{number}.{kind}").write_bytes(content)
        (folder := tmp_path / f"into{number}").mkdir()
        try:
            unpack(part, folder)
        except DataError:
            continue
        assert all(path.read_bytes() == noise for path in folder.rglob("*") if path.is_file())


LARGE = 64 << 20
HEADERS = {
    "pax": (tarfile.XHDTYPE, LARGE, LARGE),
    "pax of all entries": (tarfile.XGLTYPE, LARGE, LARGE),
    "pax of Solaris": (tarfile.SOLARIS_XHDTYPE, LARGE, LARGE),
    "long name": (tarfile.GNUTYPE_LONGNAME, LARGE, LARGE),
    "long link": (tarfile.GNUTYPE_LONGLINK, LARGE, LARGE),
    "announced only": (tarfile.GNUTYPE_LONGNAME, 1 << 40, 0),
}
"""Headers of a tar: the kind, the bytes that it announces, and those that follow."""


def header_of(kind: bytes, announced: int, bytes_: int) -> bytes:
    return member("./@Header", kind, size=announced).tobuf(format=tarfile.GNU_FORMAT) + b"a" * bytes_


@pytest.mark.parametrize("place", ["first", "second"])
@pytest.mark.parametrize("name", HEADERS)
def test_a_tar_with_large_headers_is_refused_before_they_are_read(tmp_path, into, name, place):
    good = member("good.wav").tobuf() if place == "second" else b""
    content = good + header_of(*HEADERS[name]) + member("a.wav").tobuf() + bytes(1024)
    (tmp_path / "a.tgz").write_bytes(gzip.compress(content, 1))
    tracemalloc.start()
    assert_refused(tmp_path / "a.tgz", into, "its headers are too large")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 16 << 20


def test_a_tar_with_many_headers_for_one_entry_is_refused(tmp_path, into):
    content = header_of(tarfile.GNUTYPE_LONGNAME, 1 << 16, 1 << 16) * 40 + member("a.wav").tobuf() + bytes(1024)
    (tmp_path / "a.tgz").write_bytes(gzip.compress(content))
    assert_refused(tmp_path / "a.tgz", into, "its headers are too large")


def pax(records: dict[str, str], kind: bytes = tarfile.XHDTYPE) -> bytes:
    """A pax header."""
    return tarfile.TarInfo._create_pax_generic_header(records, kind, "utf-8")  # type: ignore[attr-defined]


def test_a_tar_with_many_headers_for_every_entry_is_refused(tmp_path, into):
    headers = pax({f"key{number}": "x" for number in range(1000)}, tarfile.XGLTYPE)
    (tmp_path / "a.tar").write_bytes(headers + member("a.wav").tobuf() + bytes(1024))
    assert_refused(tmp_path / "a.tar", into, "more than 100 global headers")


@pytest.mark.parametrize(
    "records",
    [
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "a.wav", "GNU.sparse.realsize": "9"},
        {"GNU.sparse.map": "0,1", "GNU.sparse.size": "9"},
        {"size": "-512"},
    ],
)
def test_a_tar_whose_headers_lead_nowhere_is_an_error(tmp_path, into, records):
    body = b"9999999\n" + b"1\n" * 300
    content = pax(records) + member("a.wav", size=len(body)).tobuf() + body.ljust(1024, b"\0") + bytes(1024)
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(DataError):
        unpack(tmp_path / "a.tar", into)


@pytest.mark.parametrize("records", [{"path": "one.wav"}, {"comment": "x" * 50_000}])
def test_a_tar_with_ordinary_pax_headers_gives_its_files(tmp_path, into, records):
    content = (
        pax({"comment": "a commit"}, tarfile.XGLTYPE) + pax(records) + member("one.wav", size=3).tobuf() + b"abc" + bytes(1533)
    )
    (tmp_path / "a.tgz").write_bytes(gzip.compress(content))
    unpack(tmp_path / "a.tgz", into)
    assert (into / "one.wav").read_bytes() == b"abc"


def test_a_zip_with_a_large_directory_is_refused_before_it_is_read(tmp_path, into):
    archive = zip_of(tmp_path / "a.zip", {f"{'a' * 200}{number}.wav": b"" for number in range(100)})
    assert_refused(archive, into, "its headers are too large", entries=10)


@pytest.mark.parametrize("name", ["", ".", "./"])
def test_a_zip_with_a_file_without_a_name_is_refused(tmp_path, into, name):
    info = zipfile.ZipInfo("x")
    info.filename = name
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as packed:
        packed.writestr(info, b"x") if not name.endswith("/") else packed.writestr(name + ".", b"x")
    assert_refused(tmp_path / "a.zip", into, "a file has no name")


@pytest.mark.parametrize("name", ["a" * 300 + ".wav", "a/" * 5000 + "b.wav"])
def test_a_name_that_no_file_system_holds_is_refused_and_cut(tmp_path, into, name):
    with pytest.raises(DataError, match="is too long") as caught:
        unpack(zip_of(tmp_path / "a.zip", {name: b"1"}), into)
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFOs")
def test_a_fifo_or_a_device_is_no_archive(tmp_path, into):
    os.mkfifo(tmp_path / "fifo")
    for source in (tmp_path / "fifo", Path("/dev/zero")):
        with pytest.raises(DataError, match="neither a folder nor a regular file"):
            unpack(source, into)


@pytest.mark.parametrize("size", [3_000, 3_000_000])
def test_a_file_that_cannot_be_written_is_no_damage_of_the_archive(tmp_path, into, small_files_only, size):
    archive = zip_of(tmp_path / "a.zip", {"a.wav": os.urandom(size)})
    with small_files_only(), pytest.raises(NotWritable, match=r"cannot prepare .*a\.wav: File too large"):
        unpack(archive, into)
