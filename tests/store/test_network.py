"""A database on a network disk is not written."""

from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from hpstudy.errors import StoreError
from hpstudy.store import Reader, Store
from hpstudy.store.network import ACCEPT_VARIABLE, NETWORK_TYPES, file_system


@pytest.fixture
def mounted(monkeypatch):
    """Mount file systems: mounted(("/", "ext4"), (folder, "nfs4"))."""

    def mount(*disks):
        parts = [SimpleNamespace(mountpoint=str(folder), fstype=kind) for folder, kind in disks]
        monkeypatch.setattr(psutil, "disk_partitions", lambda all: parts)

    return mount


@pytest.mark.parametrize("kind", sorted(NETWORK_TYPES))
def test_a_new_database_on_a_network_disk_is_refused_with_advice(tmp_path, study, mounted, kind):
    mounted(("/", "ext4"), (tmp_path, kind))
    with pytest.raises(StoreError, match=rf"network disk \({kind}\).*\n  hint: .*--shard I/N.*{ACCEPT_VARIABLE}=1"):
        Store.create(tmp_path / "x.sqlite", study)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_database_on_a_network_disk_is_read_but_not_written(tmp_path, study, mounted):
    Store.create(tmp_path / "x.sqlite", study).close()
    mounted(("/", "ext4"), (tmp_path, "lustre"))
    with pytest.raises(StoreError, match="network disk"):
        Store.open(tmp_path / "x.sqlite")
    with Reader.open(tmp_path / "x.sqlite") as reader:
        assert reader.study == study


def test_a_network_disk_can_be_accepted(tmp_path, study, mounted, monkeypatch):
    mounted(("/", "ext4"), (tmp_path, "nfs"))
    monkeypatch.setenv(ACCEPT_VARIABLE, "1")
    Store.create(tmp_path / "x.sqlite", study).close()
    Store.open(tmp_path / "x.sqlite").close()


def test_a_link_to_a_network_disk_is_one(tmp_path, study, mounted):
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to(tmp_path / "far")
    mounted(("/", "ext4"), (tmp_path / "far", "cifs"))
    with pytest.raises(StoreError, match="network disk"):
        Store.create(tmp_path / "near" / "x.sqlite", study)


@pytest.mark.parametrize(
    ("disks", "expected"),
    [
        ([("/", "nfs")], "nfs"),
        ([("/", "nfs"), ("/home", "ext4")], "ext4"),
        ([("/home", "autofs"), ("/home", "nfs4"), ("/", "ext4")], "nfs4"),
        ([("/", "ext4"), ("/home/m", "nfs")], "ext4"),
        ([], ""),
    ],
)
def test_the_deepest_and_last_mounted_file_system_holds_a_folder(tmp_path, mounted, monkeypatch, disks, expected):
    (tmp_path / "home/me").mkdir(parents=True)
    mounted(*((f"{tmp_path}{folder}", kind) for folder, kind in disks))
    assert file_system(tmp_path / "home/me") == expected


def test_a_system_that_does_not_say_what_is_mounted_is_taken_as_local(tmp_path, study, monkeypatch):
    def no_table(all):
        raise FileNotFoundError("/proc/self/mounts")

    monkeypatch.setattr(psutil, "disk_partitions", no_table)
    Store.create(tmp_path / "x.sqlite", study).close()


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_the_mounted_file_systems_of_this_machine_are_read():
    assert file_system(Path("/proc/self")) == "proc"
