import pytest

SEEDS = ("--seeds", "2", "--executor", "inline")


@pytest.fixture
def finished(hpstudy, study_text, tmp_path):
    done = hpstudy("run", "tiny.yaml", "--executor", "inline", text=study_text)
    assert done.returncode == 0, done.stderr
    return tmp_path / "runs/tiny.sqlite"


def test_a_study_is_confirmed_by_file_and_again_by_name_without_new_work(hpstudy, finished):
    done = hpstudy("confirm", "tiny.yaml", *SEEDS)
    assert done.returncode == 0, done.stderr
    assert "complete: 16 of 16 trainings (8 points on 2 fresh seeds; 16 completed); 16 in this run" in done.stderr
    again = hpstudy("confirm", "tiny", *SEEDS, "-q")
    assert (again.returncode, again.stderr) == (0, "")
    assert hpstudy("db", "check", "tiny").returncode == 0


def test_a_study_with_nothing_to_confirm_is_refused_with_the_next_step(hpstudy, study_text):
    text = study_text.replace("searcher: sobol, trials: 4", "searcher: points, trials: 1, points: [{x1: 1, x2: 1}]")
    hpstudy(
        "run",
        "swept.yaml",
        "--executor",
        "inline",
        text=text.partition("  one:")[0] + text[text.index("search:") :],
        name="swept.yaml",
    )
    done = hpstudy("confirm", "tiny", *SEEDS)
    assert done.returncode == 2
    assert "is a sweep" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_of_another_study_is_refused(hpstudy, finished, study_text):
    done = hpstudy("confirm", "tiny.yaml", *SEEDS, text=study_text.replace("noise: 0.5", "noise: 0.25"))
    assert done.returncode == 4
    assert "noise: 0.5 -> 0.25" in done.stderr
