from hpstudy.store import Store

SEEDS = ("--seeds", "2", "--executor", "inline")


def test_a_study_is_confirmed_by_file_and_again_by_name_without_new_work(hpstudy, study_text):
    assert hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text).returncode == 0
    done = hpstudy("confirm", "tiny.yaml", *SEEDS)
    assert done.returncode == 0, done.stderr
    assert "complete: 16 of 16 trials (16 completed); 16 in this run" in done.stderr
    again = hpstudy("confirm", "tiny", *SEEDS, "-q")
    assert (again.returncode, again.stderr) == (0, "")
    other = hpstudy("confirm", "tiny.yaml", *SEEDS, text=study_text.replace("noise: 0.5", "noise: 0.25"))
    assert other.returncode == 4
    assert "noise: 0.5 -> 0.25" in other.stderr


def test_a_sweep_is_refused_in_words(hpstudy, study_text):
    swept = study_text.replace("searcher: sobol, trials: 4", "searcher: points, trials: 1, points: [{x1: 1, x2: 1}]")
    swept = swept.partition("  one:")[0] + swept[swept.index("search:") :]
    assert hpstudy("run", "tiny.yaml", "--executor", "inline", text=swept).returncode == 0
    done = hpstudy("confirm", "tiny", *SEEDS)
    assert done.returncode == 2
    assert "is a sweep" in done.stderr
    assert "Traceback" not in done.stderr


def test_status_counts_confirmations_beside_the_searches(hpstudy, study_text):
    assert hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text).returncode == 0
    assert "confirm" not in hpstudy("status", "tiny").stdout
    assert hpstudy("confirm", "tiny", *SEEDS).returncode == 0
    said = hpstudy("status", "tiny")
    assert ": 40 of 40 trials done. Complete." in said.stderr
    rows = {line.split()[0]: line.split()[1:] for line in said.stdout.splitlines()}
    assert rows["both/confirm"] == ["8", "0", "8", "0", "0", "0", "-"]
    more = hpstudy("confirm", "tiny", "--seeds", "3", "--executor", "inline")
    assert "24 of 24 trials (24 completed); 8 in this run" in more.stderr


def test_run_confirms_what_a_study_file_or_its_database_asks_for(hpstudy, study_text):
    asking = study_text + "confirm: {seeds: 2}\n"
    assert "= 40 trials" in hpstudy("validate", "tiny.yaml", text=asking).stderr
    done = hpstudy("run", "tiny.yaml", "--executor", "inline")
    assert "complete: 40 of 40 trials (40 completed); 40 in this run" in done.stderr
    grown = hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text.replace("replicates: 3", "replicates: 4"))
    assert "complete: 52 of 52 trials (52 completed); 12 in this run" in grown.stderr
    fewer = hpstudy("run", "tiny.yaml", text=asking.replace("seeds: 2", "seeds: 1").replace("replicates: 3", "replicates: 4"))
    assert fewer.returncode == 4
    assert "confirm.seeds: 2 -> 1 (may grow, not shrink)" in fewer.stderr
    assert "hint: use the value of the database: in the study file, or by leaving out the option" in fewer.stderr
    incumbents = hpstudy("confirm", "tiny", "--incumbents")
    assert incumbents.returncode == 4
    assert "confirm.incumbents: false -> true\n  hint: use the value of the database" in incumbents.stderr
    assert hpstudy("report", "runs/tiny.sqlite").returncode == 0


def test_the_study_file_says_on_how_many_seeds_is_confirmed(hpstudy, study_text):
    assert hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text).returncode == 0
    planned = hpstudy("plan", "tiny.yaml").stderr
    assert "`hpstudy confirm` adds 40 trials (8 points on 5 fresh seeds): about" in planned
    asked = hpstudy("confirm", "tiny.yaml", "--executor", "inline", text=study_text + "confirm: {seeds: 1}\n")
    assert "complete: 8 of 8 trials" in asked.stderr
    assert "hpstudy confirm" not in hpstudy("plan", "tiny.yaml").stderr


def test_exported_trials_name_what_they_confirm(hpstudy, study_text):
    assert hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text + "confirm: {seeds: 1}\n").returncode == 0
    header, *lines = hpstudy("export", "tiny").stdout.splitlines()
    assert ",seed_number,retrains," in header
    assert sum(line.startswith("both/confirm,") for line in lines) == 4


def test_all_incumbents_are_confirmed_by_command_and_by_study_file(hpstudy, study_text):
    asking = study_text + "confirm: {seeds: 2, incumbents: true}\n"
    assert "+ 28 of confirmations = about 52 trials" in hpstudy("validate", "tiny.yaml", text=asking).stderr
    planned = hpstudy("plan", "tiny.yaml").stderr
    assert "28 trials left and about 24 confirmations of incumbents to come" in planned
    assert hpstudy("run", "tiny.yaml", "--executor", "inline").returncode == 0
    rows = hpstudy("export", "tiny").stdout
    assert hpstudy("run", "tiny.yaml", "--executor", "inline", "--storage", "other.sqlite", text=study_text).returncode == 0
    done = hpstudy("confirm", "other.sqlite", "--incumbents", *SEEDS)
    assert done.returncode == 0, done.stderr
    assert sorted(map(_without_times, rows.splitlines())) == sorted(
        map(_without_times, hpstudy("export", "other.sqlite").stdout.splitlines())
    )
    again = hpstudy("confirm", "other.sqlite", "--seeds", "3", "--executor", "inline")
    assert again.returncode == 0, again.stderr
    other = hpstudy("confirm", "tiny.yaml", *SEEDS, text=study_text + "confirm: {seeds: 2}\n")
    assert other.returncode == 4
    assert "confirm.incumbents: true -> false" in other.stderr


def test_status_says_that_the_number_of_confirmations_is_an_estimate(hpstudy, study_text, tmp_path):
    asking = study_text + "confirm: {seeds: 2, incumbents: true}\n"
    assert hpstudy("run", "tiny.yaml", "--executor", "inline", text=asking).returncode == 0
    assert "estimated" not in hpstudy("status", "tiny").stdout
    with Store.open(tmp_path / "runs/tiny.sqlite") as store:
        store.grow(store.study.model_copy(update={"replicates": 5}))
    said = hpstudy("status", "tiny")
    assert "estimated" in said.stdout
    assert " of about " in said.stderr


def _without_times(line):
    """View, replicate, state, objective, and what follows the session: seed, trial and point."""
    cells = line.split(",")
    return (*cells[:2], *cells[3:5], *cells[13:])
