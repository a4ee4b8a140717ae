import json

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
