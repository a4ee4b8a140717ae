import json
from types import SimpleNamespace

import pytest

from hpstudy.cli import main

BRANIN = """\
version: 1
name: tiny
task: {use: branin, noise: 0.5}
metric: {name: value, goal: minimize}
views:
  both:
    space:
      x1: {type: float, low: -5, high: 10}
      x2: {type: float, low: 0, high: 15}
  one:
    space: {x1: {type: float, low: -5, high: 10}}
    fixed: {x2: 2.275}
search: {searcher: sobol, trials: 4}
replicates: 3
"""


@pytest.fixture
def call(tmp_path, monkeypatch, capsys):
    """Run the command line, here and now, on a study file in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments, text=None):
        if text is not None:
            (tmp_path / "tiny.yaml").write_text(text)
        monkeypatch.setattr("sys.argv", ["hpstudy", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return SimpleNamespace(returncode=ended.value.code or 0, stdout=printed.out, stderr=printed.err)

    return run


def test_controls_are_added_to_a_study_that_has_run_and_shown_apart_from_its_views(call):
    inline = ("--executor", "inline", "--quiet")
    assert call("run", "tiny.yaml", *inline, text=BRANIN).returncode == 0
    before = json.loads(call("trials", "tiny", "--format", "json").stdout)

    controlled = BRANIN + "controls: [default, random]\n"
    planned = call("plan", "tiny.yaml", text=controlled)
    assert "2 views x 3 replicates x 4 trials + 30 of the controls (default, random) = 54 trials" in planned.stderr
    assert "30 trials left" in planned.stderr
    done = call("run", "tiny.yaml", "--executor", "inline", "-v")
    assert "complete: 54 of 54 trials (54 completed); 30 in this run" in done.stderr
    assert "one/default, replicate 2" in done.stderr

    status = {row["view"]: row for row in json.loads(call("status", "tiny", "--format", "json").stdout)}
    assert {name: row["completed"] for name, row in status.items()} == {
        "both": 12,
        "one": 12,
        "both/default": 3,
        "both/random": 12,
        "one/default": 3,
        "one/random": 12,
    }
    assert [row["view"] for row in json.loads(call("best", "tiny", "--format", "json").stdout)] == ["both", "one"]
    assert len(json.loads(call("trials", "tiny", "--view", "one/random", "--format", "json").stdout)) == 12
    after = json.loads(call("trials", "tiny", "--format", "json").stdout)
    assert [row for row in after if "/" not in row["view"]] == before
    exported = call("export", "tiny").stdout.splitlines()
    assert sum(line.startswith("both/random,") for line in exported) == 12
    assert call("db", "check", "tiny").returncode == 0

    removed = call("run", "tiny.yaml", *inline, text=BRANIN + "controls: [random]\n")
    assert removed.returncode != 0
    assert "controls: [default, random] -> [random] (may grow, not shrink)" in removed.stderr


def test_an_unknown_control_and_a_sweep_with_controls_are_refused(call):
    unknown = call("validate", "tiny.yaml", text=BRANIN + "controls: [sobol]\n")
    assert unknown.returncode == 2
    assert "tiny.yaml:15: controls.0: 'sobol' is not valid here" in unknown.stderr
    assert "valid: default, random" in unknown.stderr
    sweep = BRANIN.replace("searcher: sobol, trials: 4", "searcher: points, trials: 1, points: [{x1: 1, x2: 2}]")
    assert "a sweep lists its points" in call("validate", "tiny.yaml", text=sweep + "controls: [random]\n").stderr
