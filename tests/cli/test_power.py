import json

import pytest
from typer.testing import CliRunner

from hpstudy.cli import app
from hpstudy.errors import UsageError

DECLARED = """\
confirm: {seeds: 2, incumbents: true}
analysis:
  endpoints:
    - {use: confirmed_regret}
    - {use: trials_to_within, deltas: [5, 2]}
"""


def test_the_declared_endpoints_of_a_study_file_are_planned_from_a_pilot(hpstudy, study_text):
    assert hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text + DECLARED).returncode == 0
    done = hpstudy(
        "power", "tiny", "--for", "tiny.yaml", "--replicates", "5", "--replicates", "9", "--seeds", "2", "--format", "json"
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [(row["endpoint"], row["replicates"], row["seeds"]) for row in rows] == [
        ("confirmed regret, own plateau", 5, 2),
        ("trials to within, own plateau, delta 5, 2", 5, 2),
        ("confirmed regret, own plateau", 9, 2),
        ("trials to within, own plateau, delta 5, 2", 9, 2),
    ]
    assert all(0 <= row["power"] <= 1 and row["half_width"] >= 0 for row in rows)
    table = hpstudy("power", "tiny", "--for", "tiny.yaml", "--replicates", "5", "--seeds", "2")
    assert "share of 400 resamples" in table.stderr
    assert "warning" not in table.stderr


def test_a_pilot_without_confirmations_is_used_with_a_warning(hpstudy, study_text):
    assert hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text).returncode == 0
    assert hpstudy("validate", "new.yaml", text=study_text + DECLARED, name="new.yaml").returncode == 0
    done = hpstudy("power", "tiny", "--for", "new.yaml", "--replicates", "5")
    assert done.returncode == 0, done.stderr
    assert "warning: the pilot does not confirm all incumbents" in done.stderr


def test_one_of_the_two_ways_is_asked_for(hpstudy, study_text):
    assert hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text).returncode == 0
    done = hpstudy("power", "tiny")
    assert done.returncode == 2
    assert "give either --difference D or --for FILE" in done.stderr
    none = hpstudy("power", "tiny", "--for", "tiny.yaml")
    assert (none.returncode, "declares no endpoints" in none.stderr) == (2, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--difference 1 --seeds 3", "--seeds is used only with --for"),
        ("--difference 1 --replicates 3", "--replicates is used only with --for"),
        ("--for tiny.yaml --alpha 0.1", "--alpha is used with --difference, not with --for"),
        ("--for tiny.yaml --trials 3", "--trials is used with --difference, not with --for"),
    ],
)
def test_an_option_of_the_other_way_is_refused(options, message):
    with pytest.raises(UsageError) as refused:
        CliRunner().invoke(app, ["power", "tiny", *options.split()], catch_exceptions=False)
    assert refused.value.message == message


@pytest.mark.parametrize("words", ["run tiny.yaml -v -q", "export tiny --optuna tiny.db --format csv"])
def test_options_that_exclude_each_other_are_refused(words):
    with pytest.raises(UsageError, match=r"contradict each other|writes its own file"):
        CliRunner().invoke(app, words.split(), catch_exceptions=False)
