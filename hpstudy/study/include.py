"""Includes blocks from other files: a study file becomes one tree, in which every value has its file and line.

Where a block is expected, a string is the path of a file that contains the block. A mapping with the key `from` includes such a file and
overrides parts of it. Paths are relative to the file that contains them. The key `scales` holds named overlays of the study, for instance a
small version that runs on two CPU cores. An overlay overrides the study in the same way as a block with `from` overrides its file.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from hpstudy.errors import Problem, StudyError, nearest
from hpstudy.study.yaml import MAX_BYTES, Location, Node, nodes_along, parse

Key = tuple[str | int, ...]

BLOCKS = ("task", "metric", "search", "limits", "analysis")
"""Keys of a study whose block may come from a file. Every view may, too."""

NAMED_BY = {"task": "use", "search": "searcher", "metric": "name"}
"""The key of a block that names its part. A string in place of the block may be meant as this key's value."""

MAX_DEPTH = 20
"""Maximum depth of nested includes."""

SQLITE_HEADER = b"SQLite format 3\x00"
"""First bytes of an SQLite database."""

FROM = "from"
"""The key of a block that names the file that the block overrides."""


SCALES = "scales"
"""The key of a study that contains its overlays."""


def may_include(key: Key) -> bool:
    """Whether the block at `key` of a study may come from a file: the study, the blocks above, every view, also in overlays."""
    if key[:1] == (SCALES,) and len(key) > 1:
        key = key[2:]
    return not key or (len(key) == 1 and key[0] in BLOCKS) or (len(key) == 2 and key[0] == "views")


@dataclass
class Source:
    """A study file with all included files.

    Attributes:
        root: the tree; None if the study file cannot be read.
        files: every file read, the study file first.
        scale: the overlay to apply; None for no overlay.
        scales: names of the study's overlays.
        problems: problems found while reading.
        broken: keys whose block could not be read, so that its contents are not checked.
        size_bytes: total size of the files read.
    """

    root: Node | None = None
    files: list[Path] = field(default_factory=list)
    scale: str | None = None
    scales: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    broken: set[Key] = field(default_factory=set)
    size_bytes: int = 0

    def problem(self, key: Key, message: str, *, at_key: bool = False) -> Problem:
        """A problem at `key`, with the location of the value (`at_key`: of its key), or of the nearest block around it."""
        if self.root is None:
            return Problem(key, message, *((self.files[0], 1) if self.files else (None, None)))
        node = list(nodes_along(self.root, key))[-1]
        location = node.key_location if at_key else node.location
        return Problem(key, message, location.file, location.line)

    def is_broken(self, key: Key) -> bool:
        """Whether `key` is in a block that could not be read."""
        return any(key[: len(broken)] == broken for broken in self.broken)


def read_source(path: Path, scale: str | None = None) -> Source:
    """Read a study file and all included files. Errors are not raised but collected in the source's problems.

    Args:
        path: the study file.
        scale: the overlay to apply; None for no overlay.
    """
    source = Source(scale=scale)
    tree = _read(path, path, (), source)
    if tree is not None:
        root = _resolved(tree, (), path.resolve(), source, (path.resolve(),))
        if () not in source.broken:
            source.root = _scaled(root, source)
    return source


def _scaled(root: Node, source: Source) -> Node:
    """The study without its overlays, the source's scale applied. It is named NAME-SCALE unless the overlay names it."""
    assert isinstance(root.value, dict), "a file without a block was rejected"
    study = {name: child for name, child in root.value.items() if name != SCALES}
    scales = root.value.get(SCALES)
    overlays = scales.value if scales is not None else {}
    if not isinstance(overlays, dict):
        location = (scales or root).location
        source.problems.append(_at(location, (SCALES,), "must be a block of overlays: 'small: {replicates: 3}'"))
        return replace(root, value=study)
    source.scales = tuple(overlays)
    scale = source.scale
    if scale is None:
        return replace(root, value=study)
    if scale not in overlays:
        choices = nearest(scale, overlays) if overlays else "this study has none"
        source.problems.append(_at((scales or root).location, (SCALES,), f"no scale is called '{scale}': {choices}"))
        return replace(root, value=study)
    overlay = overlays[scale]
    if not isinstance(overlay.value, dict):
        if (SCALES, scale) not in source.broken:
            source.problems.append(_at(overlay.location, (SCALES, scale), "must be a block that overrides parts of the study"))
        return replace(root, value=study)
    source.broken |= {key[2:] for key in source.broken if key[:2] == (SCALES, scale)}
    name = study.get("name")
    if name is not None and isinstance(name.value, str):
        study["name"] = replace(name, value=f"{name.value}-{scale}")
    merged = _merged(replace(root, value=study), replace(overlay, whole=False))
    return replace(merged, location=root.location, key_location=root.key_location)


def _read(file: Path, shown: Path, key: Key, source: Source) -> Node | None:
    """The tree of one file, which must contain a block."""
    if problem := _missing(file, shown):
        source.problems.append(Problem(key, problem))
        return None
    source.files.append(shown)
    source.size_bytes += (size := file.stat().st_size)
    if source.size_bytes > MAX_BYTES:
        text = f"has {size:,} bytes; a study with all included files may have {MAX_BYTES:,}"
        source.problems.append(Problem(key, text, shown))
        return None
    try:
        tree = parse(file, shown, source.problems)
    except StudyError as error:
        source.problems += [replace(problem, key=(*key, *problem.key)) for problem in error.problems]
        return None
    if tree is None or not isinstance(tree.value, dict):
        holds = "is empty" if tree is None else "holds a list" if isinstance(tree.value, list) else "holds a single value"
        line = tree.location.line if tree is not None else 1
        source.problems.append(Problem(key, f"the file {holds}; a study file consists of 'key: value' lines", shown, line))
        return None
    return tree


def _missing(file: Path, shown: Path) -> str:
    """The reason why `file` cannot be read, with the nearest existing file; "" if it is a regular file."""
    try:
        if file.is_file():
            return f"{shown} is a database, not a study file" if is_sqlite(file) else ""
        if file.is_dir():
            return f"{shown} is a folder, not a study file{_in_folder(file)}"
        if file.exists():
            return f"{shown} is not a regular file"
        if not file.parent.is_dir():
            return f"there is no file {shown}, and its folder does not exist"
        return f"there is no file {shown}{_in_folder(file.parent, file.name)}"
    except (OSError, ValueError) as error:
        return f"'{shown}' cannot be read: {getattr(error, 'strerror', None) or error}"


def is_sqlite(file: Path) -> bool:
    """Whether a regular file is an SQLite database."""
    with file.open("rb") as opened:
        return opened.read(len(SQLITE_HEADER)) == SQLITE_HEADER


def _in_folder(folder: Path, name: str = "") -> str:
    """The YAML files of a folder, and the one with a name like `name`, as the end of a message."""
    names = sorted(file.name for file in folder.iterdir() if file.suffix in (".yaml", ".yml"))
    return f": {nearest(name, names)}" if names else f", and {'its folder' if name else 'it'} has no .yaml file"


def _resolved(node: Node, key: Key, file: Path, source: Source, chain: tuple[Path, ...]) -> Node:
    """`node`, which is in `file` at `key` of the study, with its includes resolved.

    Args:
        node: the node to resolve.
        key: its path in the study.
        file: the file to which paths in the node are relative.
        source: collects files, problems and broken keys.
        chain: the files that are being included, the study file first.
    """
    if key[:1] == (SCALES,) and len(key) == 2 and key[1] != source.scale:
        return node  # an overlay that is not applied
    if key and may_include(key) and isinstance(node.value, str):
        return _included(node, node, key, file, source, chain)
    if not isinstance(node.value, dict):
        return node
    own = {name: _resolved(child, (*key, name), file, source, chain) for name, child in node.value.items() if name != FROM}
    if FROM not in node.value or not may_include(key):
        if FROM in node.value:
            own[FROM] = node.value[FROM]
        return replace(node, value=own)
    base = _included(node.value[FROM], node, key, file, source, chain)
    if key in source.broken:
        return base
    return replace(_merged(base, replace(node, value=own)), whole=True)


def _included(name: Node, block: Node, key: Key, file: Path, source: Source, chain: tuple[Path, ...]) -> Node:
    """The block in the file `name`, merged with `block`."""
    where = (*key, FROM) if name is not block else key
    tree = None
    if not isinstance(name.value, str) or not name.value:
        wrong = _at(name.location, where, "must be the path of a file that contains the block")
        if not any((each.file, each.line, each.key) == (wrong.file, wrong.line, where) for each in source.problems):
            source.problems.append(wrong)  # otherwise the text could not be read
    else:
        path = file.parent / name.value
        if problem := _missing(path, Path(name.value)):
            source.problems.append(_at(name.location, where, problem + _meant(name.value, key)))
        elif (real := path.resolve()) in chain:
            circle = " -> ".join(link.name for link in (*chain[chain.index(real) :], real))
            source.problems.append(_at(name.location, where, f"these files include each other in a cycle: {circle}"))
        elif len(chain) > MAX_DEPTH:
            source.problems.append(_at(name.location, where, f"includes are nested more than {MAX_DEPTH} files deep"))
        else:
            tree = _read(real, _shown(real), key, source)
            if tree is not None:
                tree = _resolved(tree, key, real, source, (*chain, real))
    if tree is None:
        source.broken.add(key)
        return replace(block, value=None)
    return replace(tree, key_location=block.key_location, whole=True)


def _meant(name: str, key: Key) -> str:
    """Advice for a string that is not a path."""
    if name.endswith((".yaml", ".yml")):
        return ""
    block = f"; did you mean {{{NAMED_BY[key[0]]}: {name}}}?" if key and key[0] in NAMED_BY else ""
    return f" (a text here is the path of a file that contains the block{block})"


def _at(location: Location, key: Key, message: str) -> Problem:
    return Problem(key, message, location.file, location.line)


def _shown(file: Path) -> Path:
    """The name of a file in messages: relative to the current folder if it is below it."""
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


def _merged(base: Node, over: Node) -> Node:
    """`base` overridden by `over`: blocks are merged, null removes a key, and a parameter of another type replaces the whole parameter."""
    if over.whole or not isinstance(base.value, dict) or not isinstance(over.value, dict) or _another_type(base, over):
        return over
    tree = dict(base.value)
    for name, child in over.value.items():
        if name not in tree:
            tree[name] = child
        elif child.value is None:
            del tree[name]
        else:
            tree[name] = _merged(tree[name], child)
    return replace(over, value=tree)


def _another_type(old: Node, new: Node) -> bool:
    """Whether both are parameters of different types."""
    before, after = (node.value.get("type") if isinstance(node.value, dict) else None for node in (old, new))
    return before is not None and after is not None and before.value != after.value
