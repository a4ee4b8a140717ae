from pathlib import Path

import pytest

from hpstudy.errors import OutputError, UsageError
from hpstudy.study import shipped
from hpstudy.study.shipped import copy_shipped, shipped_files, shipped_root, shipped_studies


def test_every_shipped_study_has_a_question():
    assert len(shipped_studies()) >= 5
    assert [path for path, question in shipped_studies() if not question.endswith((")", "?"))] == []


def test_what_running_leaves_behind_is_not_shipped():
    assert {path.suffix for path in shipped_files()} <= {".yaml", ".py"}
    assert {path.parts[0] for path in shipped_files()} == {"studies", "configs"}


def test_a_copy_holds_every_file_with_its_content(tmp_path):
    copied = copy_shipped(tmp_path / "new")
    assert [file.relative_to(tmp_path / "new") for file in copied] == shipped_files()
    assert all(
        file.read_bytes() == (shipped_root() / name).read_bytes() for file, name in zip(copied, shipped_files(), strict=True)
    )


def test_copying_again_changes_nothing(tmp_path):
    before = {file: file.stat().st_mtime_ns for file in copy_shipped(tmp_path)}
    assert {file: file.stat().st_mtime_ns for file in copy_shipped(tmp_path)} == before


def test_a_file_with_other_content_is_never_overwritten_and_nothing_is_copied(tmp_path):
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies/quick.yaml").write_text("mine")
    with pytest.raises(UsageError, match=r"studies/quick\.yaml"):
        copy_shipped(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / "studies/quick.yaml"]


def test_copying_that_ends_within_a_file_leaves_no_part_of_it(tmp_path, monkeypatch):
    write = Path.write_bytes

    def full(path, content):
        write(path, content[:9])
        raise OSError(28, "No space left on device")  # as of a write to a full disk, which names no file

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"\.yaml cannot be written: No space left on device"):
        copy_shipped(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    monkeypatch.undo()
    assert copy_shipped(tmp_path)


def test_a_folder_that_is_a_file_is_one_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot be written: .*file is a file, not a folder"):
        copy_shipped(tmp_path / "file")


def test_an_installed_package_carries_its_own_copy(tmp_path, monkeypatch):
    for folder in ("studies", "configs"):
        (tmp_path / "hpstudy/shipped" / folder).mkdir(parents=True)
    monkeypatch.setattr(shipped, "__file__", str(tmp_path / "hpstudy/study/shipped.py"))
    assert shipped_root() == tmp_path / "hpstudy/shipped"


def test_an_installation_without_studies_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(shipped, "__file__", str(tmp_path / "hpstudy/study/shipped.py"))
    with pytest.raises(UsageError, match="has no studies"):
        shipped_root()


def test_a_checkout_ships_what_stands_in_its_root():
    assert shipped_root() == Path(__file__).parents[2]
