"""Overlays of a study: what they change, where they come from, and what is said of mistakes in them."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from hpstudy.api.running import run
from hpstudy.cli import app
from hpstudy.errors import StudyError, UsageError
from hpstudy.loading.load import load_study, read_study

SMALL = """\
scales:
  small:
    replicates: 1
    task: {depth: 7}
"""


@pytest.fixture
def said(write, toy_text):
    """What is said of the toy study with text at its end, at a scale."""

    def lines(text, scale="small", **files):
        write(**files) if files else None
        with pytest.raises(StudyError) as caught:
            load_study(write(toy_yaml=toy_text + text), scale)
        return str(StudyError(caught.value.problems)).splitlines()

    return lines


@pytest.fixture
def scaled(write, toy_text):
    """The toy study with text at its end, at a scale."""

    def study(text, scale="small", **files):
        write(**files) if files else None
        return load_study(write(toy_yaml=toy_text + text), scale)

    return study


@pytest.fixture
def hpstudy():
    """Run a command in this process; returns (exit code, all that was printed)."""

    def call(*arguments):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        return result.exit_code, result.output + (str(result.exception) if result.exception else "")

    return call


def test_an_overlay_changes_what_it_names_and_nothing_else(scaled):
    plain, small = scaled(SMALL, None), scaled(SMALL)
    assert (plain.replicates, plain.task.settings["depth"]) == (3, 2)
    assert (small.replicates, small.task.settings["depth"], small.task.settings["scale"]) == (1, 7, 1.0)
    assert (small.views, small.search) == (plain.views, plain.search)


def test_a_scaled_study_has_the_name_of_its_scale(scaled):
    assert scaled(SMALL, None).name == "toy"
    assert scaled(SMALL).name == "toy-small"


def test_an_overlay_may_name_the_study(scaled):
    assert scaled("scales: {small: {name: tiny}}").name == "tiny"


def test_null_in_an_overlay_removes_a_key(scaled):
    small = scaled("scales: {small: {views: {a: null}, search: {initial: null}}}")
    assert (list(small.views), small.search.settings["initial"]) == (["b"], 5)


def test_a_path_in_an_overlay_replaces_the_block(scaled):
    small = scaled("scales: {small: {task: blocks/task.yaml}}", blocks__task_yaml="{use: toy, scale: 3}")
    assert (small.task.settings["scale"], small.task.settings["depth"]) == (3, 1)


def test_from_in_an_overlay_takes_a_file_and_overrides_it(scaled):
    small = scaled("scales: {small: {task: {from: task.yaml, scale: 4}}}", task_yaml="{use: toy, scale: 3, depth: 9}")
    assert (small.task.settings["scale"], small.task.settings["depth"]) == (4, 9)


def test_a_list_in_an_overlay_replaces_the_list(scaled):
    assert scaled("analysis: {budgets: [1, 2]}\nscales: {small: {analysis: {budgets: [3]}}}").analysis.budgets == (3, 6)


def test_a_parameter_of_another_type_replaces_the_whole_parameter(scaled):
    small = scaled("scales: {small: {views: {a: {space: {rate: {type: choice, values: [0.1, 0.2]}}}}}}")
    assert small.views["a"].space.root["rate"].values == (0.1, 0.2)


def test_an_overlay_may_stand_in_a_file_with_paths_of_its_own(write, scaled):
    write(overlays__tasks__task_yaml="{use: toy, scale: 3}")
    small = scaled(
        "scales: {small: overlays/small.yaml}", overlays__small_yaml="replicates: 2\ntask: {from: tasks/task.yaml, depth: 4}"
    )
    assert (small.name, small.replicates) == ("toy-small", 2)
    assert (small.task.settings["scale"], small.task.settings["depth"]) == (3, 4)


def test_an_overlay_may_override_that_of_a_file(scaled):
    small = scaled("scales: {small: {from: small.yaml, replicates: 5}}", small_yaml="{replicates: 2, seed: 8}")
    assert (small.replicates, small.seed) == (5, 8)


def test_a_study_that_overrides_a_study_inherits_its_scales(write, toy_text):
    write(base__toy_yaml=toy_text + "scales: {small: {task: task.yaml, replicates: 2}, tiny: {replicates: 1}}")
    write(base__task_yaml="{use: toy, scale: 3}")
    study = write(other_yaml="from: base/toy.yaml\nname: other\nseed: 5")
    assert read_study(study).scales == ("small", "tiny")
    small = load_study(study, "small")
    assert (small.name, small.seed, small.replicates, small.task.settings["scale"]) == ("other-small", 5, 2, 3)


def test_an_overlay_merges_over_the_overlay_of_the_same_name_in_the_base(write, toy_text):
    write(base_yaml=toy_text + "scales: {small: {replicates: 2, task: {depth: 4, scale: 3}}}")
    study = write(other_yaml="from: base.yaml\nscales: {small: {task: {depth: 9}}, tiny: {replicates: 1}}")
    small = load_study(study, "small")
    assert (small.replicates, small.task.settings["depth"], small.task.settings["scale"]) == (2, 9, 3)
    assert read_study(study).scales == ("small", "tiny")


def test_null_removes_a_scale_of_the_base(write, toy_text):
    write(base_yaml=toy_text + SMALL)
    assert read_study(write(other_yaml="from: base.yaml\nscales: {small: null}")).scales == ()


def test_an_unknown_scale_is_answered_with_those_there_are(said):
    assert said("scales: {small: {}, large: {}}", "smal") == [
        "toy.yaml:15: scales: no scale is called 'smal': did you mean 'small'? valid: small, large"
    ]


def test_a_study_without_scales_has_none(said):
    assert said("") == ["toy.yaml:1: scales: no scale is called 'small': this study has none"]


@pytest.mark.parametrize("scale", [None, "small"])
@pytest.mark.parametrize("wrong", ["3", "[small]", "small.yaml", "null"])
def test_scales_must_be_a_block(said, scale, wrong):
    assert said(f"scales: {wrong}", scale) == ["toy.yaml:15: scales: must be a block of overlays: 'small: {replicates: 3}'"]


@pytest.mark.parametrize("wrong", ["3", "[1]", "null"])
def test_an_overlay_must_be_a_block(said, wrong):
    assert said(f"scales:\n  small: {wrong}") == ["toy.yaml:16: scales.small: must be a block that overrides parts of the study"]


def test_a_mistake_in_an_overlay_is_told_with_the_line_of_the_overlay(said):
    text = "scales:\n  small:\n    task:\n      depth: 0\n    replicate: 2\n"
    depth, replicate = said(text)
    assert depth == "toy.yaml:18: task.depth: must be at least 1, not 0"
    assert replicate.startswith("toy.yaml:19: replicate: unknown key: did you mean 'replicates'? valid: ")


def test_a_value_that_an_overlay_makes_wrong_is_told_where_the_value_stands(said):
    assert said("scales:\n  small:\n    search: {trials: 1}\n") == [
        "toy.yaml:13: search.initial: the initial design of 2 trials does not fit into a search of 1: lower 'initial' or raise 'trials'"
    ]


def test_a_mistake_in_the_file_of_an_overlay_is_told_with_that_file(said):
    assert said("scales: {small: small.yaml}", small_yaml="# small\nreplicates: 0") == [
        "small.yaml:2: replicates: must be at least 1, not 0"
    ]


def test_a_file_of_an_overlay_that_is_not_there_is_told_once(said):
    assert said("scales: {small: smal.yaml}", small_yaml="replicates: 0") == [
        "toy.yaml:15: scales.small: there is no file smal.yaml: did you mean 'small.yaml'? valid: small.yaml, toy.yaml"
    ]


def test_a_block_of_an_overlay_that_cannot_be_read_is_not_also_called_missing(said):
    assert said("scales: {small: {task: none.yaml}}") == [
        "toy.yaml:15: scales.small.task: there is no file none.yaml: did you mean 'toy.yaml'? valid: toy.yaml"
    ]


def test_a_name_that_is_too_long_with_its_scale_is_told_at_the_name(write, toy_text):
    study = write(toy_yaml=toy_text.replace("name: toy", f"name: {'x' * 60}") + SMALL)
    assert load_study(study).name == "x" * 60
    with pytest.raises(StudyError, match=r"toy.yaml:2: name: must have at most 64 characters, not 66"):
        load_study(study, "small")


@pytest.mark.parametrize("other", ["{replicates: -1}", "{task: none.yaml}", "none.yaml", "{from: none.yaml}", "3"])
def test_an_overlay_that_is_not_applied_does_not_disturb(scaled, other):
    text = f"{SMALL}  other: {other}\n"
    assert scaled(text, None).replicates == 3
    assert scaled(text).replicates == 1


def test_only_files_of_the_applied_overlay_are_read(write, toy_text):
    write(small_yaml="replicates: 2", large_yaml="replicates: 9")
    study = write(toy_yaml=toy_text + "scales: {small: small.yaml, large: large.yaml}")
    assert [str(file) for file in read_study(study).files] == ["toy.yaml"]
    assert [str(file) for file in read_study(study, "small").files] == ["toy.yaml", "small.yaml"]


def test_validate_checks_every_scale(write, toy_text, hpstudy):
    study = write(toy_yaml=toy_text + "scales:\n  bad: {replicates: 0}\n  worse: none.yaml\n  small: {replicates: 1}\n")
    code, text = hpstudy("validate", study)
    assert code == 2
    assert text.splitlines()[:7] == [
        "toy.yaml: valid. 2 views x 3 replicates x 6 trials = 36 trials",
        "  note: no difference between views can be significant with replicates: 3; use 6 or more",
        "toy.yaml --scale bad: not valid.",
        "toy.yaml:16: replicates: must be at least 1, not 0",
        "toy.yaml --scale worse: not valid.",
        "toy.yaml:17: scales.worse: there is no file none.yaml: did you mean 'toy.yaml'? valid: toy.yaml",
        "toy.yaml --scale small: valid. 2 views x 1 replicate x 6 trials = 12 trials",
    ]


def test_validate_of_a_study_with_right_scales_succeeds(write, toy_text, hpstudy):
    code, text = hpstudy("validate", write(toy_yaml=toy_text + SMALL))
    assert code == 0
    assert [line.startswith("toy.yaml") for line in text.splitlines()] == [True, False, True, False]


RUNNABLE = """\
name: tiny
task: {use: branin}
metric: {name: value, goal: minimize}
views: {one: {space: {x1: {type: float, low: -5, high: 10}}, fixed: {x2: 2.275}}}
search: {searcher: random, trials: 3}
replicates: 2
scales: {small: {search: {trials: 2}, replicates: 1}}
"""


def test_run_plan_and_report_at_a_scale_use_the_database_of_its_name(write, hpstudy, monkeypatch):
    monkeypatch.delenv("HPSTUDY_STORAGE", raising=False)
    monkeypatch.setattr("hpstudy.report.pdf.compile_pdf", lambda document: b"%PDF")
    study = write(tiny_yaml=RUNNABLE)
    assert hpstudy("run", study, "--scale", "small", "--executor", "inline", "--quiet")[0] == 0
    assert [str(path) for path in Path("runs").glob("*.sqlite")] == ["runs/tiny-small.sqlite"]
    code, text = hpstudy("plan", study, "--scale", "small")
    assert code == 0
    assert "database: runs/tiny-small.sqlite\n" in text
    assert "database: runs/tiny.sqlite (not created yet)" in hpstudy("plan", study)[1]
    for named in (study, "tiny"):
        code, _ = hpstudy("report", named, "--scale", "small", "-o", f"out-{Path(named).stem}-{len(str(named))}")
        assert code == 0
    assert len(list(Path().glob("out-*/tiny-small.pdf"))) == 2


def test_a_scale_of_a_database_is_refused(write, hpstudy):
    code, text = hpstudy("report", "runs/tiny.sqlite", "--scale", "small")
    assert code != 0
    assert "--scale small needs a study file or the name of a study: a database holds a study at one scale" in text


def test_a_study_object_has_no_scales_to_choose_from(toy):
    with pytest.raises(UsageError, match="--scale small needs a study file"):
        run(toy, scale="small")
