"""What is said of mistakes: every message in full, with file and line."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from hpstudy.errors import StudyError, UsageError, nearest
from hpstudy.loading.load import load_study, read_study
from hpstudy.study.schema import Study
from hpstudy.study.shipped import shipped_root

MISTAKES = YAML(typ="safe", pure=True).load(Path(__file__).with_name("mistakes.yaml"))


@pytest.mark.parametrize("mistake", MISTAKES, ids=[mistake["by"][:40] for mistake in MISTAKES])
def test_a_mistake_is_one_sentence_with_its_line(refused, toy_text, mistake):
    assert mistake["replace"] in toy_text
    assert refused(toy_text.replace(mistake["replace"], mistake["by"])) == [mistake["said"]]


def test_all_mistakes_are_reported_at_once_in_the_order_of_the_file(refused, toy_text):
    text = (
        toy_text.replace("depth", "dept")
        .replace("score", "scor")
        .replace("high: 8", "high: 0")
        .replace("searcher: toy", "searcher: tay")
    )
    text = text.replace("trials: 6", "trials: 0").replace("replicates", "replicate")
    assert [line.split(": ")[1] for line in refused(text)] == [
        "task.dept",
        "views.b.space.width",
        "search.trials",
        "search.searcher",
        "replicate",
    ]


def test_a_duplicate_key_is_reported_beside_other_mistakes(refused, toy_text):
    lines = refused(toy_text.replace("replicates: 3", "replicates: 0") + "name: again\n")
    assert lines == [
        "toy.yaml:14: replicates: must be at least 1, not 0",
        "toy.yaml:15: name: appears twice in this block, first on line 2: keep one of them",
    ]


def test_blocks_that_are_no_blocks_are_reported_without_their_consequences(refused):
    lines = refused("name: x\ntask: 5\nmetric: null\nviews: [a]\nsearch: [1]\nreplicates: 1\nanalysis: {compare: 3}")
    assert [line.split(": ", 1)[1] for line in lines] == [
        "task: must be a block of 'key: value', not 5",
        "metric: must be a block of 'key: value', not null",
        "views: must be a block of 'key: value', not a list",
        "search: must be a block of 'key: value', not a list",
        "analysis.compare: must be a list, not 3",
    ]


def test_a_missing_study_file_is_answered_with_the_nearest_one(write, toy_text):
    write(audio_yaml=toy_text)
    with pytest.raises(UsageError, match=r"there is no file audoi\.yaml: did you mean 'audio\.yaml'\? valid: audio\.yaml"):
        load_study("audoi.yaml")


def test_a_folder_is_no_study_file(write, toy_text):
    write(studies__a_yaml=toy_text)
    with pytest.raises(UsageError, match=r"studies is a folder, not a study file: valid: a\.yaml"):
        load_study("studies")


def test_a_study_file_that_is_missing_with_its_folder_is_one_sentence(write, toy_text):
    write(a_yaml=toy_text)
    with pytest.raises(UsageError, match=r"there is no file no/a\.yaml, and its folder does not exist"):
        load_study("no/a.yaml")


@pytest.mark.parametrize("text", ["", "# nothing\n", "- 1", "just words"])
def test_a_file_without_keys_is_no_study(refused, text):
    (line,) = refused(text)
    assert line.endswith("a study file consists of 'key: value' lines")


@pytest.mark.parametrize("name", ["rate ", "", "a\tb", "x" * 65])
def test_a_hyperparameter_needs_a_name_that_can_be_printed(write, refused, toy_text, name):
    write(mine_py="def f(params, seed): return 1.0")
    text = toy_text.replace("{use: toy, depth: 2}", '{use: "mine:f"}').replace(
        "      width:", f'      "{name}":'.replace("\t", "\\t")
    )
    (line,) = refused(text)
    assert "a hyperparameter needs a name of 1 to 64 printable characters" in line


def test_a_users_module_is_looked_for_beside_the_study_file(write, toy_text):
    write(here__beside_study_py="def f(params, seed): return 1.0")
    loaded = load_study(
        write(here__toy_yaml=toy_text.replace("{use: toy, depth: 2}", '{use: "beside_study:f", constants: {k: 2}}'))
    )
    assert loaded.task.settings == {"constants": {"k": 2}}


def test_a_users_module_that_fails_is_a_mistake_at_its_line(refused, toy_text):
    lines = refused(toy_text.replace("{use: toy, depth: 2}", '{use: "failing_module:f"}'), failing_module_py="1 / 0")
    assert lines[0].startswith(
        "toy.yaml:3: task.use: importing 'failing_module' for 'failing_module:f' failed: ZeroDivisionError"
    )


def test_settings_of_a_users_task_class_are_checked_strictly(refused, toy_text):
    code = """\
        from pydantic import BaseModel
        from hpstudy.tasks.interface import Task
        class Settings(BaseModel):
            depth: int = 3
        class Mine(Task):
            Settings = Settings
            def objectives(self): return None
            def check_view(self, view): return []
            def evaluate(self, view, point, seed, report): return 1.0
    """
    lines = refused(toy_text.replace("{use: toy, depth: 2}", '{use: "strict_module:Mine", depth: "2"}'), strict_module_py=code)
    assert lines == ["toy.yaml:3: task.depth: must be a whole number, not '2': remove the quotes"]


@pytest.mark.parametrize("study", sorted((shipped_root() / "studies").rglob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_study_is_valid_at_every_scale(study):
    loaded = read_study(study)
    assert loaded.study.name == study.stem
    assert [load_study(study, scale).name for scale in loaded.scales] == [f"{study.stem}-{scale}" for scale in loaded.scales]


floats = st.floats(-1e6, 1e6, allow_nan=False)
words = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
bounds = st.tuples(floats, floats).filter(lambda ends: ends[1] - ends[0] >= 1e-60)
real = bounds.map(lambda ends: {"type": "float", "low": ends[0], "high": ends[1]})
positive = st.tuples(st.floats(1e-9, 1), st.floats(1.5, 1e9)).map(
    lambda e: {"type": "float", "low": e[0], "high": e[1], "log": True}
)
whole = st.tuples(st.integers(-50, 0), st.integers(1, 50)).map(lambda ends: {"type": "int", "low": ends[0], "high": ends[1]})
choice = st.lists(words | st.just("1e-5") | st.just("no"), min_size=2, unique=True).map(lambda v: {"type": "choice", "values": v})


@st.composite
def studies(draw):
    """Studies of the toy task, as trees."""
    space = {"rate": draw(real | positive | choice), "width": draw(whole | choice | real)}
    trials = draw(st.integers(2, 50))
    views = draw(st.lists(words, min_size=1, max_size=3, unique=True))
    return {
        "name": draw(words),
        "question": draw(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=20)),
        "seed": draw(st.integers(0, 2**63 - 1)),
        "task": {"use": "toy", "scale": draw(floats)},
        "metric": {"name": "score", "goal": draw(st.sampled_from(["maximize", "minimize"]))},
        "views": {view: {"space": space, "note": draw(words)} for view in views},
        "search": {"searcher": "toy", "trials": trials, "initial": draw(st.integers(1, trials))},
        "replicates": draw(st.integers(1, 30)),
        "analysis": {"budgets": draw(st.lists(st.integers(1, trials), max_size=3))},
    }


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=studies())
def test_a_resolved_study_written_to_a_file_is_read_as_the_same_study(tree, tmp_path):
    file = tmp_path / "study.yaml"
    file.write_text(Study.model_validate(tree).to_json(), encoding="utf-8")  # JSON is YAML
    resolved = load_study(file)
    file.write_text(resolved.to_json(), encoding="utf-8")
    assert load_study(file) == resolved == Study.from_json(resolved.to_json())


def test_reading_a_study_imports_no_heavy_library():
    script = (
        "import sys\nfrom hpstudy.loading.load import load_study\n"
        "load_study('studies/functions.yaml')\n"
        "import hpstudy.study.changes, hpstudy.loading.jsonschema, hpstudy.study.plan\n"
        "print([m for m in ('torch', 'ax', 'botorch', 'pandas', 'scipy', 'matplotlib') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=root, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("replicates: 3", "replicates: 1000000000", "toy.yaml:14: replicates: must be at most 1000, not 1000000000"),
        ("trials: 6", "trials: 1000000000", "toy.yaml:13: search.trials: must be at most 100000, not 1000000000"),
        ("replicates: 3", "replicates: 1000\nconfirm: {seeds: 1000}", "plans 2,014,000 trials, more than 1,000,000"),
        ("replicates: 3", "replicates: 3\nconfirm: {seeds: 1001}", "confirm.seeds: must be at most 1000, not 1001"),
        ("replicates: 3", "replicates: 1000\nanalysis: {resamples: 100001}", "must be at most 100,000 for 1000 replicates"),
    ],
)
def test_a_study_that_no_machine_can_hold_is_refused(refused, toy_text, old, new, said):
    lines = refused(toy_text.replace(old, new))
    assert any(said in line for line in lines)


def test_the_largest_study_is_valid(write, toy_text):
    large = toy_text.replace("trials: 6", "trials: 500").replace("replicates: 3", "replicates: 1000")
    assert load_study(write(toy_yaml=large)).replicates == 1000
    assert load_study(write(toy_yaml=toy_text.replace("trials: 6", "trials: 100000"))).search.trials == 100_000


def test_thousands_of_mistakes_are_counted_and_not_listed(write, toy_text):
    keys = "".join(f"key{number}: 1\n" for number in range(20_000))
    with pytest.raises(StudyError) as caught:
        load_study(write(toy_yaml=toy_text + keys))
    lines = str(caught.value).splitlines()
    assert (len(lines), lines[-1]) == (101, "... and 19,900 more")


def test_a_long_list_of_choices_is_cut():
    assert nearest("x", [f"name{number}" for number in range(1000)]).endswith("name49 and 950 more")
