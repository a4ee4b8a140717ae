SEEDS = ("--seeds", "2", "--executor", "inline")


def test_a_study_is_confirmed_by_file_and_again_by_name_without_new_work(hpstudy, study_text):
    assert hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text).returncode == 0
    done = hpstudy("confirm", "tiny.yaml", *SEEDS)
    assert done.returncode == 0, done.stderr
    assert "complete: 16 of 16 trainings (8 points on 2 fresh seeds; 16 completed); 16 in this run" in done.stderr
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


def test_status_tells_how_far_the_confirmation_is(hpstudy, study_text):
    assert hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text).returncode == 0
    assert "confirmation" not in hpstudy("status", "tiny").stderr
    assert hpstudy("confirm", "tiny", *SEEDS).returncode == 0
    said = hpstudy("status", "tiny").stderr
    assert "\nconfirmation: 16 of 16 trainings (8 points on 2 fresh seeds; 16 completed).\n" in said
    grown = hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text.replace("replicates: 3", "replicates: 4"))
    assert grown.returncode == 0
    said = hpstudy("status", "tiny").stderr
    assert "\nconfirmation: 16 of 20 trainings (10 points on 2 fresh seeds; 16 completed). `hpstudy confirm " in said
    assert "tiny.sqlite --seeds 2` trains the rest.\n" in said
