from pathlib import Path

from hpstudy.drafts import write_problem


def test_the_reason_is_that_of_the_system_if_no_folder_can_be_entered(tmp_path, monkeypatch):
    def refuse(self, **options):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "stat", refuse)
        reason = write_problem(tmp_path / "locked" / "file", PermissionError(13, "Permission denied"))
    assert reason == "Permission denied"
