"""A command in a hint can be pasted into a shell."""

import subprocess

from hpstudy.errors import shell_command


def test_a_path_with_spaces_is_one_word_and_a_wildcard_is_expanded(tmp_path):
    folder = tmp_path / "it's my folder"
    folder.mkdir()
    shards = [folder / f"my study.shard-{index}-of-2.sqlite" for index in range(2)]
    for shard in shards:
        shard.touch()
    command = shell_command("printf", "%s\n", folder / "my study.shard-*-of-2.sqlite")
    printed = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines() == [str(shard) for shard in shards]


def test_a_plain_path_is_not_quoted():
    assert shell_command("hpstudy", "resume", "runs/audio-large.sqlite") == "hpstudy resume runs/audio-large.sqlite"
