"""Blocks from other files, and overrides."""

import os

import pytest

from hpstudy.errors import UsageError
from hpstudy.loading.load import load_study, read_study
from hpstudy.study.include import MAX_DEPTH, read_source
from hpstudy.study.yaml import MAX_BYTES

VIEW = """\
    # a view
    label: from file
    space:
      rate: {type: float, low: 1e-3, high: 1, log: true, default: 0.1}
      width: {type: int, low: 1, high: 8}
"""


def study(views, task="{use: toy}", more=""):
    return f"""\
name: toy
task: {task}
metric: {{name: score, goal: maximize}}
views:
{views}
search: {{searcher: toy, trials: 6, initial: 2}}
replicates: 3
{more}
"""


@pytest.fixture
def tree(write):
    """The plain tree of a study whose view v is as given, beside the file view.yaml."""

    def plain(view, base=VIEW, **files):
        write(view_yaml=base, **files)
        source = read_source(write(toy_yaml=study(f"  v: {view}")))
        assert source.problems == []
        return source.root.plain()["views"]["v"]

    return plain


def test_a_text_in_the_place_of_a_block_is_the_path_of_its_file(tree):
    assert tree("view.yaml")["label"] == "from file"


def test_every_block_of_a_study_may_come_from_a_file(write):
    blocks = {
        "task": "use: toy",
        "metric": "{name: score, goal: maximize}",
        "limits": "max_failures: 3",
        "analysis": "margin: 0.5",
    }
    blocks |= {"search": "{searcher: toy, trials: 6, initial: 2}"}
    for name, text in blocks.items():
        write(**{f"blocks__{name}_yaml": text})
    included = "\n".join(f"{name}: blocks/{name}.yaml" for name in blocks)
    views = "views: {v: {space: {rate: {type: float, low: 0, high: 1}}}}"
    loaded = load_study(write(toy_yaml=f"name: toy\nreplicates: 1\n{views}\n{included}\n"))
    assert (loaded.limits.max_failures, loaded.analysis.margin, loaded.search.trials) == (3, 0.5, 6)


def test_a_path_is_relative_to_the_file_it_stands_in(write):
    write(deep__base__view_yaml=VIEW, deep__view_yaml="from: base/view.yaml\nlabel: deep")
    source = read_source(write(toy_yaml=study("  v: deep/view.yaml")))
    assert source.problems == []
    assert source.root.plain()["views"]["v"]["label"] == "deep"
    assert [str(file) for file in source.files] == ["toy.yaml", "deep/view.yaml", "deep/base/view.yaml"]


def test_keys_beside_from_override_at_every_depth(tree):
    found = tree("{from: view.yaml, space: {rate: {high: 10}}}")
    assert found["space"]["rate"] == {"type": "float", "low": 1e-3, "high": 10, "log": True, "default": 0.1}
    assert found["space"]["width"] == {"type": "int", "low": 1, "high": 8}


def test_null_removes_a_key_of_the_file(tree):
    assert list(tree("{from: view.yaml, space: {rate: null}}")["space"]) == ["width"]


def test_null_over_nothing_stays_null(tree):
    assert tree("{from: view.yaml, method: null}")["method"] is None


def test_a_parameter_of_another_type_replaces_the_whole_parameter(tree):
    found = tree("{from: view.yaml, space: {rate: {type: choice, values: [0.1, 0.2]}}}")
    assert found["space"]["rate"] == {"type": "choice", "values": [0.1, 0.2]}


def test_a_list_replaces_a_list(write):
    write(task_yaml="{use: toy, widths: [1, 2, 3]}")
    loaded = load_study(
        write(toy_yaml=study("  v: {space: {rate: {type: float, low: 0, high: 1}}}", "{from: task.yaml, widths: [9]}"))
    )
    assert loaded.task.settings["widths"] == [9]


def test_a_study_may_override_a_study(write, toy_text):
    write(base__toy_yaml=toy_text)
    loaded = load_study(write(long_yaml="from: base/toy.yaml\nname: long\nsearch: {trials: 9}\nviews: {a: null}"))
    assert (loaded.name, loaded.search.trials, loaded.search.settings["initial"], list(loaded.views)) == ("long", 9, 2, ["b"])


def test_a_block_that_names_its_own_file_replaces_the_whole_block(write, toy_text):
    write(base__toy_yaml=toy_text, view_yaml="space: {width: {type: int, low: 1, high: 2}}")
    loaded = load_study(write(other_yaml="from: base/toy.yaml\nname: other\nviews: {b: view.yaml}"))
    assert list(loaded.views["b"].space.names()) == ["width"]


def test_a_parameter_called_from_is_a_parameter(write, refused):
    text = study("  v: {space: {from: {type: float, low: 0, high: 1}}}")
    assert refused(text) == ["toy.yaml:5: views.v.space.from: no such hyperparameter: valid: rate, width"]


def test_the_files_that_were_read_are_remembered(write):
    write(view_yaml=VIEW)
    loaded = read_study(write(toy_yaml=study("  v: view.yaml")))
    assert [str(file) for file in loaded.files] == ["toy.yaml", "view.yaml"]


def test_the_module_path_is_the_folder_of_the_study_file(write, tmp_path):
    write(there__view_yaml=VIEW)
    assert read_study(write(here__toy_yaml=study("  v: ../there/view.yaml"))).module_path == str(tmp_path / "here")


def test_a_mistake_in_an_included_file_names_that_file_and_line(refused):
    (line,) = refused(
        study("  v: blocks/view.yaml"),
        blocks__view_yaml=VIEW.replace("high: 8", "hihg: 8").replace("low: 1,", "low: 1, high: 8,"),
    )
    valid = "type, low, high, log, default, step, when"
    assert line == f"blocks/view.yaml:5: views.v.space.width.hihg: unknown key: did you mean 'high'? valid: {valid}"


@pytest.mark.parametrize("rest", ["", "\nname: mine", "\nscales: {small: {replicates: 1}}"])
@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("nothere.yaml", "toy.yaml:1: from: there is no file nothere.yaml"),
        ("toy.yaml", "toy.yaml:1: from: these files include each other in a cycle"),
        ("[a]", "toy.yaml:1: from: must be the path of a file"),
        ("list.yaml", "list.yaml:1: the file holds a list"),
        ("nested.yaml", "nested.yaml:1: from: there is no file gone.yaml"),
    ],
)
def test_a_study_whose_own_file_cannot_be_read_is_one_message(refused, value, said, rest):
    (line,) = refused(f"from: {value}{rest}", list_yaml="- 1", nested_yaml="from: gone.yaml")
    assert line.startswith(said)


def test_a_mistake_in_an_override_names_the_overriding_file_and_line(refused):
    (line,) = refused(study("  v:\n    from: view.yaml\n    space:\n      rate: {high: 1e-4, default: 1e-4}"), view_yaml=VIEW)
    assert line == "toy.yaml:8: views.v.space.rate: low (0.001) must be smaller than high (0.0001)"


def test_a_missing_key_of_an_included_block_names_the_block_and_its_line(refused):
    assert refused(study("  v: view.yaml"), view_yaml="# nothing\nlabel: x\n") == [
        "view.yaml:2: views.v.space: this key is missing. The hyperparameters to tune."
    ]


def test_a_view_whose_name_is_wrong_is_found_where_the_name_stands(refused):
    (line,) = refused(study("  no/name: view.yaml"), view_yaml=VIEW)
    assert line.startswith("toy.yaml:5: views.no/name: 'no/name' cannot be a name")


def test_a_missing_file_is_answered_with_the_nearest_one(refused):
    assert refused(study("  v: {from: blocks/vew.yaml}"), blocks__view_yaml=VIEW) == [
        "toy.yaml:5: views.v.from: there is no file blocks/vew.yaml: did you mean 'view.yaml'? valid: view.yaml"
    ]


def test_a_word_in_the_place_of_a_block_is_explained(refused):
    (line,) = refused(study("  v: {space: {rate: {type: float, low: 0, high: 1}}}", task="toy"))
    assert line == (
        "toy.yaml:2: task: there is no file toy: valid: toy.yaml "
        "(a text here is the path of a file that contains the block; did you mean {use: toy}?)"
    )


def test_a_block_that_cannot_be_read_is_not_also_called_missing(refused):
    assert len(refused(study("  v: none.yaml", task="none.yaml"))) == 2


@pytest.mark.parametrize("path", ["blocks", "", "x" * 5000])
def test_what_cannot_be_a_file_is_a_mistake_at_its_line(refused, path):
    (line,) = refused(study(f'  v: "{path}"'), blocks__view_yaml=VIEW)
    assert line.startswith("toy.yaml:5: views.v: ")


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("name: toy", 'name: "t\\0oy"', "toy.yaml:1: name: remove the character U+0000 from this text"),
        ("type: float", 'type: "fl\\eoat"', "toy.yaml:5: views.v.space.rate.type: remove the character U+001B from this text"),
        ("replicates: 3", "replicates: .inf", "toy.yaml:7: replicates: .inf is not a finite number"),
    ],
)
def test_a_value_that_cannot_be_read_is_one_mistake(refused, right, wrong, said):
    text = study("  v: {space: {rate: {type: float, low: 0, high: 1}}}")
    assert right in text
    assert refused(text.replace(right, wrong)) == [said]


def test_files_that_include_each_other_are_refused(refused):
    files = {"a_yaml": "from: b.yaml", "b_yaml": "from: a.yaml"}
    assert refused(study("  v: a.yaml"), **files) == [
        "b.yaml:1: views.v.from: these files include each other in a cycle: a.yaml -> b.yaml -> a.yaml"
    ]


def test_one_file_may_be_included_twice(write):
    write(view_yaml=VIEW)
    loaded = load_study(write(toy_yaml=study("  v: view.yaml\n  w: {from: view.yaml, label: other}")))
    assert [view.label for view in loaded.views.values()] == ["from file", "other"]


@pytest.mark.parametrize(("text", "holds"), [("", "is empty"), ("- 1", "holds a list"), ("5", "holds a single value")])
def test_an_included_file_must_hold_a_block(refused, text, holds):
    assert refused(study("  v: view.yaml"), view_yaml=text) == [
        f"view.yaml:1: views.v: the file {holds}; a study file consists of 'key: value' lines"
    ]


def test_malformed_yaml_in_an_included_file_names_that_file(refused):
    (line,) = refused(study("  v: view.yaml"), view_yaml="space:\n  rate: {type: float\n")
    assert line.startswith("view.yaml:3: views.v: not YAML: ")


def test_a_study_file_of_any_size_is_answered_at_once(refused, toy_text):
    (line,) = refused(toy_text + "#" * MAX_BYTES)
    assert line.endswith(f"bytes; a study with all included files may have {MAX_BYTES:,}")


def test_the_size_of_a_study_counts_all_that_it_includes(refused, toy_text):
    files = {f"{name}_yaml": f"space: {{rate: {{type: float, low: 0, high: 1}}}}\n#{'#' * (MAX_BYTES // 2)}" for name in "ab"}
    lines = refused(study("  a: a.yaml\n  b: b.yaml"), **files)
    (line,) = [line for line in lines if "may have" in line]
    assert line.startswith("b.yaml: views.b: has 262,")


def test_files_included_one_inside_the_other_without_end_are_refused(refused):
    files = {f"f{number}_yaml": f"from: f{number + 1}.yaml\n" for number in range(500)}
    (line,) = refused("from: f0.yaml\n", **files)
    assert line == f"f{MAX_DEPTH - 1}.yaml:1: from: includes are nested more than {MAX_DEPTH} files deep"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFOs")
@pytest.mark.parametrize("path", ["fifo.yaml", "/dev/zero"])
def test_a_fifo_or_a_device_is_not_read(refused, tmp_path, path):
    os.mkfifo(tmp_path / "fifo.yaml")
    assert f"toy.yaml:2: task: {path} is not a regular file" in "\n".join(refused(study("  {}", task=path)))
    with pytest.raises(UsageError, match="is not a regular file"):
        load_study(path)
