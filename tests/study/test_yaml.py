import pytest

from hpstudy.errors import StudyError
from hpstudy.study.yaml import MAX_NODES, nodes_along, parse


@pytest.fixture
def read(tmp_path):
    """Parse text; returns the plain tree. Mistakes that leave the rest readable are in `read.problems`."""

    def tree(text):
        read_node(text)
        return node.plain() if (node := read_node(text)) is not None else None

    def read_node(text):
        file = tmp_path / "f.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        tree.problems = []
        return parse(file, file.relative_to(tmp_path), tree.problems)

    tree.node = read_node
    return tree


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1E5", 1e5),
        ("+.5", 0.5),
        ("1.", 1.0),
        ("-3", -3),
        ("017", 17),
        ("0o17", 15),
        ("0xff", 255),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("off", "off"),
        ("none", "none"),
        ("None", "None"),
        ("1_000", "1_000"),
        ("2020-01-01", "2020-01-01"),
        ("12:30", "12:30"),
        ("'1e-5'", "1e-5"),
        ('"true"', "true"),
        ("|\n  two\n  lines\n", "two\nlines\n"),
    ],
)
def test_scalars_follow_the_core_schema(read, text, value):
    (found,) = read(f"a: {text}").values()
    assert (type(found), found) == (type(value), value)


def test_scalars_follow_the_core_schema_whatever_version_the_file_declares(read):
    assert read("%YAML 1.1\n---\na: on\nb: 1e-5") == {"a": "on", "b": 1e-5}


def test_a_key_is_text(read):
    assert list(read("1: a\ntrue: b")) == ["1", "true"]


def test_a_byte_order_mark_and_windows_line_ends_are_no_part_of_the_text(read):
    assert read("\ufeffa: 1\r\nb: x\r\n") == {"a": 1, "b": "x"}


def test_aliases_and_merge_keys_work_inside_a_file(read):
    text = "base: &base {a: 1, b: 2}\nsame: *base\nmore: {<<: *base, b: 3}\nlist: {<<: [{a: 9}, *base], c: 4}"
    tree = read(text)
    assert tree["same"] == {"a": 1, "b": 2}
    assert tree["more"] == {"a": 1, "b": 3}
    assert tree["list"] == {"a": 9, "b": 2, "c": 4}


def test_the_line_of_a_value_is_that_of_its_key(read):
    root = read.node("# comment\na:\n  b:\n    c: 1\n  d: [1,\n    2]\n")
    assert [node.location.line for node in nodes_along(root, ("a", "b", "c"))] == [2, 2, 3, 4]
    assert list(nodes_along(root, ("a", "d", 1)))[-1].location.line == 6


def test_the_way_to_a_key_that_is_not_there_ends_at_the_nearest_block(read):
    root = read.node("a:\n  b: 1\n")
    assert [node.location.line for node in nodes_along(root, ("a", "x", "y"))] == [1, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3: a: appears twice in this block, first on line 1: keep one of them"),
        ("a:\n  ? [1]\n  : 2\n", "f.yaml:2: a: a key must be a word, not a list or a mapping"),
        ("a: !python/object 1", "f.yaml:1: a: tags such as !python/object are not supported"),
        ("a: .inf", "f.yaml:1: a: .inf is not a finite number"),
        ("a: 1e999", "f.yaml:1: a: 1e999 is not a finite number"),
        ("a: " + "9" * 5000, "f.yaml:1: a: this whole number does not fit into 64 bits"),
        ("a: 9223372036854775808", "f.yaml:1: a: this whole number does not fit into 64 bits"),
        ('a: "\\ud800"', "f.yaml:1: a: remove the character U+D800 from this text"),
        ('a: 1\n"\\ud800": 2', "f.yaml:2: remove the character U+D800 from this text"),
        ('a: {b: "tab\\tline\\nbell\\a"}', "f.yaml:1: a.b: remove the character U+0007 from this text"),
        ('a: ["\\e[31m", x]', "f.yaml:1: a.0: remove the character U+001B from this text"),
        ("a:\n  b: !!set {c}", "f.yaml:2: a.b: tags such as !!set are not supported"),
        ("a: !mine [1]", "f.yaml:1: a: tags such as !mine are not supported"),
        ("<<: 3", "f.yaml:1: '<<' needs an alias of a block, such as '<<: *name'"),
    ],
)
def test_a_mistake_that_leaves_the_rest_readable_is_noted(read, text, message):
    read.node(text)
    assert [str(problem) for problem in read.problems] == [message]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1,\n", "f.yaml:2: not YAML: while parsing a flow node, expected the node content, but found '<stream end>'"),
        (
            "a: 1\n b: 2\n",
            "f.yaml:2: not YAML: mapping values are not allowed here; check the indentation, colons, quotes and brackets of",
        ),
        (
            "a:\n\t- x\n",
            "f.yaml:2: not YAML: a tab is in this line; use spaces",
        ),
        ("a: 1\nb: 2\t\n", "f.yaml:2: not YAML: a tab is in this line; use spaces"),
        ("a: *x\n", "f.yaml:1: not YAML: found undefined alias 'x'"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2: not YAML: a second document begins here; a study file has one"),
        ("a: 1\nb: \x01", "f.yaml:2: not YAML: remove the character U+0001"),
        ("a: " + "[" * 5000, "f.yaml:1: blocks are nested too deeply"),
        ("x: &a {y: *a}", "f.yaml:1: x.y: an alias refers to a block that contains it"),
        ("x: &a\n  <<: *a\n", "f.yaml:1: x: an alias refers to a block that contains it"),
        (b"a: 1\nb: \xff\n", "f.yaml:2: not UTF-8 text: save the file as UTF-8"),
    ],
)
def test_a_file_that_is_not_yaml_is_one_error_with_its_line(read, text, message):
    with pytest.raises(StudyError) as caught:
        read.node(text)
    (problem,) = caught.value.problems
    assert str(problem).startswith(message)


def test_aliases_of_aliases_cannot_fill_the_memory(read):
    levels = "".join(f"l{i}: &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]\n" for i in range(1, 9))
    with pytest.raises(StudyError, match=f"more than {MAX_NODES:,} values"):
        read.node("l0: &l0 [1]\n" + levels)


def test_a_file_without_a_value_has_no_tree(read):
    assert read.node("# only a comment\n") is None
