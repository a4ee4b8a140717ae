"""Compares two studies key by key, and decides which changes an existing database allows.

A database stores the numbers of one study. Settings that can change a number (`Study.determinants`) must not change. Replicates and trials
may be increased. Other searchers, controls and confirmations may be added. Once there are confirmations, `confirm.incumbents`, and in
lockstep `confirm.seeds`, must not change. The question, labels, notes, analysis settings, resources and `limits.max_failures` may
change at any time. The time limit of a trial may change if every finished trial would have ended the same way (`time_limit_changes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hpstudy.errors import StudyChanged
from hpstudy.study.schema import PICKLED, SEED_SIZES, Study

ABSENT = object()
"""Marks a key that is missing in one of the two studies."""

Flat = dict[tuple[str, ...], Any]

TIME_LIMIT = ("limits", "timeout_s")
"""The key of the time limit of a trial."""


def changes(old: Study, new: Study) -> list[str]:
    """Differences that can change a number. If there are none, both studies run the same trials, within their time limits.

    Returns:
        Lines such as "views.latent.space.learning_rate.high: 10 -> 1", in the order of the old study.
    """
    return [
        _line(key, before, after)
        for key, before, after in _differences(_determinants(old, new), _determinants(new, old))
        if key != TIME_LIMIT
    ]


def growth(old: Study, new: Study) -> list[str]:
    """Differences that change no number: sizes, labels, notes, analysis. The lines have the format of `changes`."""
    fixed = {*_determinants(old, new), *_determinants(new, old)} - {TIME_LIMIT}
    before, after = ({k: v for k, v in _flat(_tree(study)).items() if k not in fixed} for study in (old, new))
    return [_line(key, a, b) for key, a, b in _differences(before, after)]


def time_limit_changes(old: Study, new: Study, timed_out: int, longest_s: float) -> list[str]:
    """The change of the time limit of a trial, if finished trials could have ended differently with the new limit.

    Args:
        old: the stored study.
        new: the study asked for.
        timed_out: number of trials that ended at the old limit.
        longest_s: longest time in seconds of a trial, or of a step with several trials.
    """
    before, after = old.limits.timeout_s, new.limits.timeout_s
    line = _line(TIME_LIMIT, before, after)
    if before == after:
        return []
    if timed_out:
        return [f"{line} ({timed_out:,} {'trial has' if timed_out == 1 else 'trials have'} ended at the old limit)"]
    if after is not None and longest_s > after:
        return [f"{line} (a stored trial took {longest_s:.4g} s)"]
    return []


def confirmation_changes(old: Study, new: Study) -> list[str]:
    """Changes of the confirmed trials or their seeds in a study with confirmations. The lines have the format of `changes`."""
    if old.confirm is None or new.confirm is None:
        return []
    lines = []
    if old.confirm.incumbents != new.confirm.incumbents:
        lines.append(_line(("confirm", "incumbents"), old.confirm.incumbents, new.confirm.incumbents))
    if old.search.lockstep > 1 and new.confirm.seeds > old.confirm.seeds:
        line = _line(("confirm", "seeds"), old.confirm.seeds, new.confirm.seeds)
        lines.append(f"{line} (cannot grow in lockstep: the seeds of a point are trained together)")
    return lines


def renamed(old: Study, new: Study) -> list[str]:
    """The change of the name, which tells a study from another one with the same settings. The line has the format of `changes`."""
    return [] if old.name == new.name else [_line(("name",), old.name, new.name)]


def shrinkage(old: Study, new: Study) -> list[str]:
    """Sizes that are smaller in the new study, and other searchers and controls that it lacks.

    The lines have the format of `changes`. Random search may change from a control to a searcher of `search.others`.

    A study without a `confirm` block keeps the confirmations of the old one.
    """
    sizes = {"replicates": (old.replicates, new.replicates), "search.trials": (old.search.trials, new.search.trials)}
    if old.confirm is not None and new.confirm is not None:
        sizes["confirm.seeds"] = (old.confirm.seeds, new.confirm.seeds)
    lines = [_line((name,), before, after) for name, (before, after) in sizes.items() if after < before]
    if set(old.controls) - {*new.controls, *new.others}:
        lines.append(_line(("controls",), list(old.controls), list(new.controls)))
    before, after = ([block.searcher for block in study.search.others] for study in (old, new))
    if set(before) - set(after):
        lines.append(_line(("search", "others"), before, after))
    return lines


def grown(old: Study, new: Study) -> Study:
    """The new study, with the confirmations and seed sizes of the old one unless it states its own.

    It also keeps the stored pickled function if this version of Python can load it, because the pickle of the same code differs between
    sessions.
    """
    kept: dict[str, Any] = {key: getattr(old, key) for key in SEED_SIZES if getattr(new, key) in (None, getattr(old, key) or 63)}
    new = new.model_copy(update={"confirm": old.confirm if new.confirm is None else new.confirm, **kept})
    functions = [study.task.settings[PICKLED]["python"] for study in (old, new) if study.task.is_pickled]
    return with_pickle_of(old, new) if len(set(functions)) == 1 else new


def with_pickle_of(old: Study, new: Study) -> Study:
    """The new study with the pickled function of the old one, if both have one: the pickle of the same code differs between sessions.

    The digest of the function is not in the study, but in the identity of its database.
    """
    if not (old.task.is_pickled and new.task.is_pickled):
        return new
    return new.model_copy(update={"task": new.task.model_copy(update={PICKLED: old.task.settings[PICKLED]})})


def refuse_changes(old: Study, new: Study, storage: Path, more: Sequence[str] = ()) -> None:
    """Reject a study that does not include the trials in a database.

    Args:
        old: the study in the database.
        new: the requested study, resolved.
        storage: the database, for the message.
        more: other differences to reject (`time_limit_changes`).

    Raises:
        StudyChanged: the study does not include them. The message lists every changed key.
    """
    lines = [
        *renamed(old, new),
        *changes(old, new),
        *confirmation_changes(old, new),
        *(f"{line} (may grow, not shrink)" for line in shrinkage(old, new)),
        *more,
    ]
    if lines:
        listed = "\n".join(f"  {line}" for line in lines)
        hint = "undo the change, or give the changed study another name or another --storage"
        if lines == renamed(old, new):
            hint = f"to continue this study, use the name '{old.name}'; for a separate study, use another --storage"
        if all(line.startswith("confirm.") for line in lines):
            hint = (
                "use the value of the database: in the study file, or by leaving out the option of `hpstudy confirm`. A command that names "
                "the database needs neither."
            )
        raise StudyChanged(f"the study is not the one in {storage}:\n{listed}", hint)


def _determinants(study: Study, other: Study) -> Flat:
    """Settings that can change a number that both studies have, including the other searchers that are in both."""
    shared = {name: block.settings for name, block in study.others.items() if name in other.others}
    return _flat(study.determinants()) | _flat({"search": {"others": shared}} if shared else {})


def _tree(study: Study) -> dict[str, Any]:
    """The whole study as a mapping, with its other searchers by name."""
    tree = study.model_dump(mode="json")
    if study.search.others:
        tree["search"]["others"] = {block.searcher: block.settings for block in study.search.others}
    return tree


def _flat(tree: Mapping[str, Any], key: tuple[str, ...] = ()) -> Flat:
    """The leaves of nested mappings by their path; a list is a leaf."""
    flat: Flat = {}
    for name, value in tree.items():
        if isinstance(value, Mapping) and value:
            flat.update(_flat(value, (*key, name)))
        else:
            flat[(*key, name)] = value
    return flat


def _differences(old: Flat, new: Flat) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key, ABSENT), new.get(key, ABSENT)
        if not _same(before, after):
            yield key, before, after


def _same(before: object, after: object) -> bool:
    """Whether two leaves have equal values and types, also inside lists: 1 is neither true nor 1.0."""
    if isinstance(before, list) and isinstance(after, list):
        return len(before) == len(after) and all(map(_same, before, after))
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        return before.keys() == after.keys() and all(_same(before[name], after[name]) for name in before)
    return type(before) is type(after) and before == after


def _line(key: tuple[str, ...], before: object, after: object) -> str:
    shown = [_shown(before), _shown(after)]
    if shown[0] == shown[1]:
        shown = [repr(before), repr(after)]
    return f"{'.'.join(key)}: {shown[0]} -> {shown[1]}"


def _shown(value: object) -> str:
    """A value in the notation of a study file."""
    if value is ABSENT:
        return "absent"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.17g}" if float(f"{value:g}") != value else f"{value:g}"
    if isinstance(value, list):
        return f"[{', '.join(_shown(item) for item in value)}]"
    if isinstance(value, Mapping):
        return "{}"
    return str(value) if value != "" else '""'
