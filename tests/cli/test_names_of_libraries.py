"""Files in the study's or the current folder that have the name of a library of hpstudy's or of a module of Python's."""

import pytest

NAMES = ("botorch", "numpy", "yaml", "torch", "sqlalchemy", "calendar")


@pytest.fixture
def misnamed(tmp_path):
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('looked at')\n")


def test_they_are_not_looked_at_by_a_run(hpstudy, study_text, misnamed):
    text = study_text.replace("sobol, trials: 4", "ax, trials: 3, initial: 2").replace("replicates: 3", "replicates: 1")
    done = hpstudy("run", "tiny.yaml", "-j", "2", text=text)
    assert "looked at" not in done.stderr
    assert done.returncode == 0, done.stderr


def test_they_are_not_looked_at_by_commands_on_data_sets(hpstudy, misnamed):
    done = hpstudy("data", "list", "--format", "json")
    assert (done.returncode, "looked at" in done.stderr) == (0, False), done.stderr
    assert "speech_digits" in done.stdout


def test_a_data_set_of_ones_own_in_the_current_folder_is_found(hpstudy, misnamed, tmp_path):
    (tmp_path / "my_data.py").write_text("raise LookupError('found')")
    assert "found" in hpstudy("data", "path", "my_data:MySet").stderr


@pytest.mark.parametrize("name", ["botorch", "calendar"])
def test_a_study_that_names_such_a_file_is_told_to_rename_it(hpstudy, study_text, misnamed, tmp_path, name):
    text = study_text.replace("{use: branin, noise: 0.5}", f"{{use: '{name}:train'}}")
    done = hpstudy("validate", "tiny.yaml", text=text)
    assert done.returncode == 2
    assert f"{tmp_path}/{name}.py is not imported, because it has the name of a" in done.stderr
    assert "rename it" in done.stderr


def test_a_module_that_expects_such_a_file_is_told_to_rename_it(hpstudy, study_text, misnamed, tmp_path):
    (tmp_path / "mine.py").write_text("import calendar\nf = calendar.of_my_own\n")
    done = hpstudy("validate", "tiny.yaml", text=study_text.replace("{use: branin, noise: 0.5}", "{use: 'mine:f'}"))
    assert done.returncode == 2
    assert f"{tmp_path}/calendar.py is not imported" in done.stderr
