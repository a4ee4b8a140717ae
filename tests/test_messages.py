"""All messages and hints of errors have one form: they follow "error: " and "hint: " on the command line."""

import ast
from pathlib import Path

from hpstudy import errors

PACKAGE = Path(errors.__file__).parent
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
NAMES = ("Parquet", "Python", "SQLite")
"""Names that are written with a capital also in the middle of a sentence."""


def named(node):
    """The last name of an expression such as `errors.UsageError`."""
    return getattr(node, "id", None) or getattr(node, "attr", None)


def error_classes():
    """The names of HpstudyError and of all its subclasses."""
    names, classes = (
        {"HpstudyError", "TrialFailed", "InvalidResult"},
        [node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)],
    )
    while more := {node.name for node in classes if names & set(map(named, node.bases))} - names:
        names |= more
    return names


def text_of(node):
    """The text of a string, with {} for what an f-string fills in; "" for another expression."""
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def texts():
    """(place, text) of every message and hint of an error, and of every mistake in a study."""
    classes = error_classes()
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (named(node.func) in classes or named(node.func) == "Problem"):
                arguments = node.args[1:2] if named(node.func) == "Problem" else node.args[:2]
                for text in filter(None, map(text_of, arguments)):
                    yield f"{path.relative_to(PACKAGE)}:{node.lineno}", text


TEXTS = list(texts())


def test_the_texts_are_found():
    assert len(TEXTS) > 400


def test_a_text_begins_with_a_small_letter_unless_it_begins_with_a_name():
    assert [(place, text) for place, text in TEXTS if text[0].isupper() and not text.startswith(NAMES)] == []


def test_only_a_text_of_several_sentences_ends_with_a_full_stop():
    assert [(place, text) for place, text in TEXTS if text.endswith(".") and ". " not in text] == []


def test_every_sentence_after_the_first_begins_with_a_capital_and_the_last_ends_with_a_full_stop():
    several = [(place, text) for place, text in TEXTS if ". " in text.replace("... ", "")]
    assert several
    assert [(place, text) for place, text in several if not text.endswith((".", ":\n{}"))] == []
