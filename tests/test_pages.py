"""The pages of the documentation work as written: their files are written, their commands run, and their code blocks are valid."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.main import get_command

from hpstudy.cli import app
from tests.support import pages

HOW_TO = pages.ROOT / "docs/how-to"
COMMANDS = re.compile(r"```\n(hpstudy .*?)```", re.DOTALL)
PAGES = {
    "bring-your-function.md": ["training.py", "function.yaml"],
    "bring-your-script.md": ["train.py", "script.yaml"],
    "bring-your-optuna-objective.md": ["objective.py", "objective.yaml", "trials.py"],
    "bring-your-notebook.md": ["cell.py"],
    "hydra.md": ["conf/config.yaml", "app.py", "app.yaml"],
}

ENVIRONMENT = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize("page", PAGES)
def test_the_page_works_as_written(page, tmp_path):
    if page == "hydra.md":
        pytest.importorskip("hydra")
    text = (HOW_TO / page).read_text(encoding="utf-8")
    blocks = re.findall(r"```(?:python|yaml)\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == len(PAGES[page])
    for name, content in zip(PAGES[page], blocks, strict=True):
        assert f"`{name}`" in text or name == "cell.py"
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    if page == "bring-your-notebook.md":
        subprocess.run([sys.executable, "cell.py"], cwd=tmp_path, env=ENVIRONMENT, check=True, timeout=600)
    (commands,) = COMMANDS.findall(text)
    printed = [output_of(line, tmp_path) for line in commands.splitlines()]
    assert "one: " in printed[-1]
    assert "two: " in printed[-1]


def output_of(line, folder):
    """What a command prints, run in a folder."""
    ran = subprocess.run(
        [sys.executable, "-m", *line.split()], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, timeout=600
    )
    assert ran.returncode == 0, f"{line}\n{ran.stdout}{ran.stderr}"
    return ran.stdout + ran.stderr


def test_the_trials_of_an_optuna_study_are_imported_as_the_page_says(tmp_path):
    optuna = pytest.importorskip("optuna")
    page = (HOW_TO / "bring-your-optuna-objective.md").read_text(encoding="utf-8")
    objective, study, trials = re.findall(r"```(?:python|yaml)\n(.*?)```", page, re.DOTALL)
    for name, content in {"objective.py": objective, "objective.yaml": study, "trials.py": trials}.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    ranges = {
        "learning_rate": optuna.distributions.FloatDistribution(1e-3, 1, log=True),
        "momentum": optuna.distributions.FloatDistribution(0, 0.99),
    }
    earlier = optuna.create_study(study_name="earlier", storage=f"sqlite:///{tmp_path}/optuna.db")
    for rate, state in ((0.3, "COMPLETE"), (0.1, "COMPLETE"), (0.2, "FAIL")):
        value = rate if state == "COMPLETE" else None
        earlier.add_trial(
            optuna.trial.create_trial(
                state=optuna.trial.TrialState[state],
                params={"learning_rate": rate, "momentum": 0.5},
                distributions=ranges,
                value=value,
            )
        )
    subprocess.run([sys.executable, "trials.py"], cwd=tmp_path, env=ENVIRONMENT, check=True, capture_output=True)
    (command,) = re.findall(r"`(hpstudy import .*?)`", page)
    assert "two: 2 results imported into every search" in output_of(command, tmp_path)


@pytest.mark.slow
def test_the_tutorial_works_as_written(tmp_path):
    """`validate` prints what is shown; the other commands run on fewer trials at random points, so that the test takes seconds."""
    text = (pages.ROOT / "docs/tutorial/first-study.md").read_text(encoding="utf-8")
    (module,), (study,) = (re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL) for language in ("python", "yaml"))
    (tmp_path / "digits.py").write_text(module, encoding="utf-8")
    (tmp_path / "digits.yaml").write_text(study, encoding="utf-8")
    (validate, shown), *others = re.findall(r"^\$ (hpstudy .*)\n((?:(?!\$|```).*\n)*)", text, re.MULTILINE)
    assert output_of(validate, tmp_path) == shown
    small = {"searcher: ax, trials: 12": "searcher: random, trials: 3", "replicates: 10": "replicates: 3", "seeds: 5": "seeds: 1"}
    for key, fewer in small.items():
        assert key in study
        study = study.replace(key, fewer)
    (tmp_path / "digits.yaml").write_text(study, encoding="utf-8")
    assert [line.split()[1] for line, _ in others] == ["run", "best", "report", "power"]
    for line, shown in others:
        printed = output_of(line.replace(" --trials 2.5", ""), tmp_path)
        assert not shown or line.split()[1] == "run" or printed.split()[0] == shown.split()[0]
    assert (tmp_path / "reports/digits.pdf").exists()


@pytest.mark.slow
def test_a_study_is_shared_as_its_page_says(tmp_path):
    """On fewer trials at random points, so that the test takes seconds."""
    (commands,) = COMMANDS.findall((HOW_TO / "share-a-study.md").read_text(encoding="utf-8"))
    init, *others = commands.splitlines()
    output_of(init, tmp_path)
    study = tmp_path / "mine/my_study.yaml"
    study.write_text(study.read_text().replace("ax, trials: 10", "random, trials: 2").replace("replicates: 10", "replicates: 2"))
    printed = [output_of(line, tmp_path) for line in others]
    assert printed[-2].strip().endswith("opened/my_study.sqlite")
    assert "one: " in printed[-1]
    (tmp_path / "mine/my_module.py").unlink()
    study.write_text("")
    assert "complete: 8 of 8 trials" in output_of("hpstudy resume opened/my_study.sqlite", tmp_path)


@pytest.mark.slow
def test_a_study_is_planned_as_its_page_says(tmp_path):
    """All commands of the page, with a pilot and a study of fewer trials."""
    text = (HOW_TO / "plan-a-study.md").read_text(encoding="utf-8")
    pilot, main = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "pilot.yaml").write_text(
        pilot.replace("trials: 10", "trials: 3").replace("seeds: 4", "seeds: 2"), encoding="utf-8"
    )
    (tmp_path / "main.yaml").write_text(main.replace("replicates: 40", "replicates: 8"), encoding="utf-8")
    commands = [line.split("  #")[0] for block in COMMANDS.findall(text) for line in block.splitlines()]
    printed = {line.split()[1]: output_of(line, tmp_path) for line in ("hpstudy validate main.yaml", *commands)}
    assert "valid" in printed["validate"]
    assert "confirmed regret, own plateau" in printed["power"]
    assert (tmp_path / "main.zip").exists()


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_the_code_blocks_of_a_page_are_valid(page):
    """Every block of Python compiles, and every block of YAML is YAML."""
    for language, block in re.findall(r"^```(.*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE):
        if language == "python":
            compile(block, str(page), "exec")
        elif language == "yaml":
            list(YAML(typ="safe").load_all(block))


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_every_command_and_option_of_a_page_exists(page):
    for line in lines_of_code(page.read_text(encoding="utf-8")):
        if called := re.match(r"(?:\$ |\w+=\S+ )*hpstudy ((?:[a-z]|--).*)", line):
            check_command(get_command(app), called[1].split(), line)
        elif measured := re.search(r"\bbenchmarks[/.](\w+)(?:\.py)?(?= |$)(.*)", line):
            source = (pages.ROOT / f"benchmarks/{measured[1]}.py").read_text(encoding="utf-8")
            for option in re.findall(r"(?<= )--[a-z-]+", measured[2]):
                assert f'"{option}"' in source, line


def lines_of_code(text):
    """The code spans and the lines of code blocks, without comments and what follows a pipe or `&&`."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE))
    return [re.split(r"  #| [|&]+ ", line)[0] for line in (*spans, *"\n".join(blocks).splitlines())]


def check_command(command, words, line):
    """Asserts that the words of a command line name a command, and that it has their options."""
    while words and hasattr(command, "commands"):
        if words[0].startswith("-"):
            break
        assert words[0] in command.commands, line
        command, words = command.commands[words[0]], words[1:]
    given = (word.split("=")[0] for word in words[: words.index("--") if "--" in words else None])
    for option in (word for word in given if re.fullmatch(r"--?[a-z][a-z-]*", word)):
        known = [name for each in command.params for name in (*each.opts, *each.secondary_opts)]
        assert option in (*known, "-h", "--help"), line
