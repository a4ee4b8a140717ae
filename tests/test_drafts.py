from pathlib import Path

import pytest

from hpstudy.drafts import write_file, write_problem
from hpstudy.errors import UsageError


def test_the_reason_is_that_of_the_system_if_no_folder_can_be_entered(tmp_path, monkeypatch):
    def refuse(self, **options):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "stat", refuse)
        reason = write_problem(tmp_path / "locked" / "file", PermissionError(13, "Permission denied"))
    assert reason == "Permission denied"


@pytest.mark.parametrize("folder", ["", ".", "/"])
def test_a_folder_is_not_replaced_by_a_file(folder):
    with pytest.raises(UsageError, match="is not a regular file"):
        write_file(Path(folder), "x")
