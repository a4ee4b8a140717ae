"""Shards that are killed, resumed and merged hold the numbers of one run on one machine."""

from pandas.testing import assert_frame_equal


def test_three_shards_of_which_one_was_killed_equal_one_run(command, wait_until):
    command.write(confirm="{seeds: 2, incumbents: true}")
    study = command.folder / "killed.yaml"
    study.write_text(study.read_text().replace("replicates: 2", "replicates: 4"))
    assert command.run("run", "killed.yaml", "-j", "2", "--storage", "whole.sqlite")[0] == 0
    shards = [f"node/killed.shard-{index}-of-3.sqlite" for index in range(3)]
    run = [("run", "killed.yaml", "--storage", "node", "-j", "1", "--shard", f"{index}/3") for index in range(3)]
    for rows in (5, 11, 23):
        process = command.start(*run[0])
        wait_until(lambda rows=rows: command.rows(shards[0]) >= rows, process)
        command.kill(process)
    code, said = command.run("merge", *shards[:1])
    assert code == 2
    assert "replicates 1, 2 of killed: in none of the databases (shard 1/3, 2/3)" in said
    for index in (1, 2):
        code, said = command.run(*run[index])
        assert code == 0
        assert said.endswith("hpstudy merge " + str(command.folder / "node" / "killed.shard-*-of-3.sqlite") + "\n")
    code, said = command.run("merge", *shards, "-o", "merged.sqlite")
    assert code == 2
    assert f"hpstudy resume {shards[0]}" in said.replace(f"{command.folder}/", "")
    assert command.run(*run[0])[0] == 0
    assert "shard 0/3: replicates 0, 3 of 4" in command.run("status", shards[0])[1]
    code, said = command.run("merge", *shards, "-o", "merged.sqlite")
    assert (code, said.splitlines()[-1]) == (0, f"next: hpstudy report {command.folder}/merged.sqlite")
    assert command.run("db", "check", "merged.sqlite")[0] == 0
    (trials, curves), (whole, whole_curves) = (command.measured(storage) for storage in ("merged.sqlite", "whole.sqlite"))
    # Confirmations of incumbents are numbered in the order in which they began; everything else is the same.
    for ours, theirs in ((trials, whole), (curves, whole_curves)):
        searched = [frame[~frame["view"].str.endswith("/confirm")].reset_index(drop=True) for frame in (ours, theirs)]
        assert_frame_equal(*searched, check_exact=True)
    assert_frame_equal(command.confirmed("merged.sqlite"), command.confirmed("whole.sqlite"), check_exact=True)
    assert len(curves) == len(whole_curves) == 3 * len(whole)
