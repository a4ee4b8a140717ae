"""Reads a YAML 1.2 file with the location of every key.

Plain scalars follow the core schema of YAML 1.2 (section 10.3.2): `1e-5` is a number; `on`, `yes` and `2020-01-01` are strings.
"""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unicodedata import category

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.nodes import Node as YamlNode
from ruamel.yaml.reader import ReaderError

from hpstudy.errors import Problem, StudyError

Scalar = bool | int | float | str | None

MAX_BYTES = 512 * 1024
"""Maximum size in bytes of a study file with all included files. Reading this much takes a few seconds; a study has a few kilobytes."""

MAX_NODES = 100_000
"""Maximum values in one file, with aliases expanded. A study has hundreds; nested aliases could otherwise fill the memory."""

MAX_DIGITS = 100
"""Maximum characters of an integer. Python does not convert integers with thousands of digits."""

REASONS = {
    r"found character '\t' that cannot start any token": "a tab is in this line; use spaces",
    "but found another document": "a second document begins here; a study file has one",
}
"""Reasons in the words of ruamel that are replaced."""

REFUSED = ("Cc", "Cs")
"""Unicode categories of control characters and of halves of a character, which a quoted text can contain as escapes such as "\\e"."""

LOOK = "check the indentation, colons, quotes and brackets of this line and the one before"

INT = re.compile(r"[-+]?[0-9]+")
BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
COLLECTIONS: dict[type[YamlNode], str] = {MappingNode: "map", SequenceNode: "seq"}
"""The tags of blocks and lists."""

WORDS: dict[str, Scalar] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


@dataclass(frozen=True)
class Location:
    """A line (from 1) of a file."""

    file: Path
    line: int


@dataclass(frozen=True)
class Node:
    """A value with its location.

    Attributes:
        value: a scalar, or the nodes of a mapping or list.
        location: start of the value; for the value of a key, the location of the key.
        key_location: location of the key of the value; differs from `location` for a block from another file.
        whole: whether the block names its own file. It then replaces the block that it overrides instead of being merged.
    """

    value: Scalar | dict[str, Node] | list[Node]
    location: Location
    key_location: Location
    whole: bool = False

    def plain(self) -> object:
        """The value as mappings, lists and scalars."""
        if isinstance(self.value, dict):
            return {name: child.plain() for name, child in self.value.items()}
        return [child.plain() for child in self.value] if isinstance(self.value, list) else self.value


def parse(file: Path, shown: Path, problems: list[Problem]) -> Node | None:
    """The tree of a YAML file.

    Args:
        file: the file to read.
        shown: name of the file in messages.
        problems: collects mistakes that leave the rest of the file readable, such as a duplicate key.

    Returns:
        The tree; None for a file without a value.

    Raises:
        StudyError: the file cannot be read, or is not YAML.
    """
    yaml, text = YAML(typ="safe", pure=True), _text(file, shown)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)
            root = yaml.compose(io.StringIO(text))
        return None if root is None else _Reader(shown, problems).node(root)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = ", ".join(str(part) for part in (error.context, error.problem) if part)
        reason = next((ours for theirs, ours in REASONS.items() if theirs in reason), f"{reason}; {LOOK}")
        raise StudyError([Problem((), f"not YAML: {reason}", shown, mark.line + 1 if mark else 1)]) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise StudyError([Problem((), f"not YAML: remove the character U+{error.character:04X}", shown, line)]) from None
    except RecursionError:
        raise StudyError([Problem((), "blocks are nested too deeply", shown, 1)]) from None


def _text(file: Path, shown: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise StudyError([Problem((), "not UTF-8 text: save the file as UTF-8", shown, line)]) from None
    except OSError as error:
        raise StudyError([Problem((), f"cannot be read: {error.strerror}", shown)]) from None


class _Reader:
    """Converts ruamel's nodes to `Node`, and collects mistakes that leave the rest readable."""

    def __init__(self, file: Path, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        self.open: set[int] = set()
        self.count = 0

    def node(self, node: YamlNode, key: tuple[str | int, ...] = (), location: Location | None = None) -> Node:
        location = location or self.location(node)
        self.count += 1
        if id(node) in self.open or self.count > MAX_NODES:
            reason = "an alias refers to a block that contains it" if id(node) in self.open else f"more than {MAX_NODES:,} values"
            raise StudyError([Problem(key, reason, location.file, location.line)])
        self.open.add(id(node))
        if not str(node.tag).startswith(f"tag:yaml.org,2002:{COLLECTIONS.get(type(node), '')}"):
            self.note(key, f"tags such as {str(node.tag).replace('tag:yaml.org,2002:', '!!')} are not supported", location)
        value: Scalar | dict[str, Node] | list[Node]
        if isinstance(node, MappingNode):
            value = self.mapping(node, key)
        elif isinstance(node, SequenceNode):
            value = [self.node(child, (*key, index)) for index, child in enumerate(node.value)]
        else:
            assert isinstance(node, ScalarNode)
            value = self.scalar(node, key)
        self.open.discard(id(node))
        return Node(value, location, location)

    def mapping(self, node: MappingNode, key: tuple[str | int, ...]) -> dict[str, Node]:
        tree: dict[str, Node] = {}
        merged: list[YamlNode] = []
        for name_node, child in node.value:
            location = self.location(name_node)
            if not isinstance(name_node, ScalarNode):
                self.note(key, "a key must be a word, not a list or a mapping", location)
            elif name_node.value == "<<" and name_node.style is None:
                merged += child.value if isinstance(child, SequenceNode) else [child]
            elif (name := self.text(name_node.value, name_node, key)) in tree:
                first = tree[name].location.line
                self.note((*key, name), f"appears twice in this block, first on line {first}: keep one of them", location)
            else:
                tree[name] = self.node(child, (*key, name), location)
        for source in merged:
            block = self.node(source, key).value
            if isinstance(block, dict):
                # Keys of the block itself override merged ones, and earlier merged blocks override later ones.
                tree = {**block, **tree}
            else:
                self.note(key, "'<<' needs an alias of a block, such as '<<: *name'", self.location(source))
        return tree

    def scalar(self, node: ScalarNode, key: tuple[str | int, ...]) -> Scalar:
        text = str(node.value)
        return self.plain_scalar(text, node, key) if node.style is None else self.text(text, node, key)

    def plain_scalar(self, text: str, node: YamlNode, key: tuple[str | int, ...]) -> Scalar:
        if text in WORDS:
            return WORDS[text]
        if INT.fullmatch(text) or BASED.fullmatch(text):
            whole = int(text, 0 if BASED.fullmatch(text) else 10) if len(text) <= MAX_DIGITS else None
            if whole is None or abs(whole) >= 2**63:
                self.note(key, "this whole number does not fit into 64 bits", self.location(node))
                return 0
            return whole
        number = float(text) if FLOAT.fullmatch(text) else math.inf if NOT_FINITE.fullmatch(text) else None
        if number is None:
            return self.text(text, node, key)
        if not math.isfinite(number):
            self.note(key, f"{text} is not a finite number", self.location(node))
            return 0
        return number

    def text(self, text: str, node: YamlNode, key: tuple[str | int, ...]) -> str:
        wrong = next((letter for letter in text if category(letter) in REFUSED and letter not in "\n\t"), None)
        if wrong is None:
            return text
        self.note(key, f"remove the character U+{ord(wrong):04X} from this text", self.location(node))
        return ""

    def location(self, node: YamlNode) -> Location:
        return Location(self.file, node.start_mark.line + 1)

    def note(self, key: tuple[str | int, ...], message: str, location: Location) -> None:
        self.problems.append(Problem(key, message, location.file, location.line))


def nodes_along(root: Node, key: tuple[str | int, ...]) -> Iterator[Node]:
    """The existing nodes along `key`, starting at `root`."""
    node = root
    yield node
    for part in key:
        if isinstance(node.value, dict) and part in node.value:
            node = node.value[str(part)]
        elif isinstance(node.value, list) and isinstance(part, int) and 0 <= part < len(node.value):
            node = node.value[part]
        else:
            return
        yield node
