"""Reading YAML with the file and line of every key, through includes.

YAML 1.2: `1e-5` is a number; `on` and `yes` are strings. Where a block of a study is expected, a string is the path of a file that
holds the block, relative to the file it stands in; a mapping with the key `from` takes such a file and overrides parts of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from hpstudy.errors import Problem, StudyError, nearest

Key = tuple[str | int, ...]

BLOCKS = ("task", "metric", "search", "analysis", "limits")
"""Keys of a study that may hold the path of a file instead of a block; so may every view."""


@dataclass
class Source:
    """A tree of plain values, and where each of its keys stands.

    Attributes:
        tree: mappings, lists, strings, numbers, booleans and None.
        places: file and line (from 1) of every key.
        files: every file read, the study file first.
        problems: includes that cannot be followed.
    """

    tree: Any = None
    places: dict[Key, tuple[Path, int]] = field(default_factory=dict)
    files: list[Path] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, key: Key, message: str) -> Problem:
        """A problem at `key`, placed where the key stands, or the nearest key around it that stands in a file."""
        for length in range(len(key), -1, -1):
            if key[:length] in self.places:
                return Problem(key, message, *self.places[key[:length]])
        return Problem(key, message)


def read_source(path: Path) -> Source:
    """Read a study file and all it includes.

    Raises:
        StudyError: a file is not there, not UTF-8 or not YAML. Includes that cannot be followed are noted in `problems`.
    """
    source = Source()
    source.tree = _resolved(_parse(path, (), source), (), path, source, (path.resolve(),))
    return source


def _parse(path: Path, key: Key, source: Source) -> Any:
    """The plain tree of one file; notes the places of its keys below `key`."""
    source.files.append(path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        beside = [p.name for p in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        raise StudyError([Problem((), f"there is no file {path}: {nearest(path.name, beside)}")]) from None
    except UnicodeDecodeError as error:
        raise StudyError([Problem((), f"not UTF-8 text: {error.reason} at byte {error.start}", path, 1)]) from None
    except OSError as error:
        raise StudyError([Problem((), f"cannot be read: {error.strerror}", path, 1)]) from None
    yaml = YAML(typ="rt", pure=True)
    try:
        marked = yaml.load(text)
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = str(error.problem).split(" with value")[0].replace("found ", "")
        raise StudyError([Problem((), f"{problem}: keep one of them", path, line)]) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        detail = ", ".join(str(part) for part in (error.context, error.problem) if part)
        raise StudyError([Problem((), f"not YAML: {detail}", path, mark.line + 1 if mark else 1)]) from None
    except YAMLError as error:
        raise StudyError([Problem((), f"not YAML: {' '.join(str(error).split())}", path, 1)]) from None
    source.places.setdefault(key, (path, 1))
    return _plain(marked, key, path, source.places)


def _plain(node: Any, key: Key, path: Path, places: dict[Key, tuple[Path, int]]) -> Any:
    if isinstance(node, CommentedMap):
        tree = {}
        for name, child in node.items():
            places[(*key, str(name))] = (path, node.lc.key(name)[0] + 1)
            tree[str(name)] = _plain(child, (*key, str(name)), path, places)
        return tree
    if isinstance(node, CommentedSeq):
        for index in range(len(node)):
            places[(*key, index)] = (path, node.lc.item(index)[0] + 1)
        return [_plain(child, (*key, index), path, places) for index, child in enumerate(node)]
    for kind in (bool, int, float, str):
        if isinstance(node, kind):
            return kind(node)
    return None if node is None else str(node)


def _is_block(key: Key) -> bool:
    return (len(key) == 1 and key[0] in BLOCKS) or (len(key) == 2 and key[0] == "views")


def _resolved(node: Any, key: Key, path: Path, source: Source, chain: tuple[Path, ...]) -> Any:
    """`node` with its includes followed."""
    if isinstance(node, str) and _is_block(key):
        return _included(node, key, path, source, chain)
    if not isinstance(node, Mapping):
        return node
    if "from" in node and (_is_block(key) or not key):
        own = {name: child for name, child in node.items() if name != "from"}
        if not isinstance(node["from"], str):
            source.problems.append(source.problem((*key, "from"), f"must be the path of a file, not {node['from']!r}"))
            return own
        places = {place: source.places[place] for place in source.places if place[: len(key)] == key and place != key}
        base = _included(node["from"], (*key, "from"), path, source, chain, target=key)
        overrides = _resolved(own, key, path, source, chain)
        if not isinstance(base, Mapping):
            return overrides
        source.places.update(places)
        return _merged(base, overrides)
    return {name: _resolved(child, (*key, name), path, source, chain) for name, child in node.items()}


def _included(name: str, key: Key, path: Path, source: Source, chain: tuple[Path, ...], target: Key | None = None) -> Any:
    """The resolved tree of the file `name`, as the block at `target` (`key` where that is None)."""
    file = path.parent / name
    target = key if target is None else target
    if file.resolve() in chain:
        source.problems.append(source.problem(key, f"{name} includes itself"))
        return {}
    if not file.is_file():
        beside = [p.name for p in file.parent.glob("*.y*ml")] if file.parent.is_dir() else []
        source.problems.append(source.problem(key, f"there is no file {name}: {nearest(file.name, beside)}"))
        return {}
    tree = _parse(file, target, source)
    if not isinstance(tree, Mapping):
        source.problems.append(source.problem(key, f"{name} must hold a block of keys, not {type(tree).__name__}"))
        return {}
    return _resolved(tree, target, file, source, (*chain, file.resolve()))


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the keys of `over`: mappings merge, null removes, a parameter of another type replaces the whole parameter."""
    tree = dict(base)
    for name, value in over.items():
        old = tree.get(name)
        if value is None:
            tree.pop(name, None)
        elif isinstance(old, Mapping) and isinstance(value, Mapping) and value.get("type", old.get("type")) == old.get("type"):
            tree[name] = _merged(old, value)
        else:
            tree[name] = value
    return tree
