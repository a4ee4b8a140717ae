"""What differs between two studies, key by key: what may change while a database stands, and what may not.

A database keeps the numbers of one study. What can change a number (`Study.determinants`) must stay. The numbers of replicates and
trials may grow, other searchers, controls and confirmations may be added, but `confirm.incumbents`, and in lockstep `confirm.seeds`,
stay once there are confirmations; the name, the question, labels, notes, analysis settings, resources and `limits.max_failures` may
change at any time. The time limit of a trial may change as long as every trial that has ended would have ended alike
(`time_limit_changes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hpstudy.errors import StudyChanged
from hpstudy.study.schema import PICKLED, SEED_SIZES, Study

ABSENT = object()
"""Represents a key that one of the two studies lacks."""

Flat = dict[tuple[str, ...], Any]

TIME_LIMIT = ("limits", "timeout_s")
"""The key of the time limit of a trial."""


def changes(old: Study, new: Study) -> list[str]:
    """Differences that can change a number; none means that both studies run the same trials, within their time limits.

    Returns:
        Lines such as "views.latent.space.learning_rate.high: 10 -> 1", in the order of the old study.
    """
    return [
        _line(key, before, after)
        for key, before, after in _differences(_determinants(old, new), _determinants(new, old))
        if key != TIME_LIMIT
    ]


def growth(old: Study, new: Study) -> list[str]:
    """Differences that change no number: sizes, labels, remarks, analysis. Lines as those of `changes`."""
    fixed = {*_determinants(old, new), *_determinants(new, old)} - {TIME_LIMIT}
    before, after = ({k: v for k, v in _flat(_tree(study)).items() if k not in fixed} for study in (old, new))
    return [_line(key, a, b) for key, a, b in _differences(before, after)]


def time_limit_changes(old: Study, new: Study, timed_out: int, longest_s: float) -> list[str]:
    """The time limit of a trial, when it differs and trials that have ended could have ended otherwise with the new one.

    Args:
        old: the stored study.
        new: the study asked for.
        timed_out: how many trials have ended at the old limit.
        longest_s: the longest time that a trial took, or a step of several trials.
    """
    before, after = old.limits.timeout_s, new.limits.timeout_s
    line = _line(TIME_LIMIT, before, after)
    if before == after:
        return []
    if timed_out:
        return [f"{line} ({timed_out:,} {'trial has' if timed_out == 1 else 'trials have'} ended at the old limit)"]
    if after is not None and longest_s > after:
        return [f"{line} (a trial that is stored took {longest_s:.4g} s)"]
    return []


def confirmation_changes(old: Study, new: Study) -> list[str]:
    """Which trials are confirmed on which seeds, when a study with confirmations says it otherwise. Lines as those of `changes`."""
    if old.confirm is None or new.confirm is None:
        return []
    lines = []
    if old.confirm.incumbents != new.confirm.incumbents:
        lines.append(_line(("confirm", "incumbents"), old.confirm.incumbents, new.confirm.incumbents))
    if old.search.lockstep > 1 and new.confirm.seeds > old.confirm.seeds:
        line = _line(("confirm", "seeds"), old.confirm.seeds, new.confirm.seeds)
        lines.append(f"{line} (may not grow in lockstep: the seeds of a point are trained together)")
    return lines


def shrinkage(old: Study, new: Study) -> list[str]:
    """The sizes of the new study that are smaller than the old one's, and other searchers and controls that it lacks.

    Lines as those of `changes`. Random search may become a searcher of `search.others` where it was a control.

    A study without a `confirm` block leaves the confirmations of the old one as they are.
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
    """The new study, with the confirmations and the sizes of seeds of the old one where it does not state its own.

    It also keeps a pickled function, which differs from that of another session even if its code is the same, as long as this version of
    Python can load it.
    """
    kept: dict[str, Any] = {key: getattr(old, key) for key in SEED_SIZES if getattr(new, key) in (None, getattr(old, key) or 63)}
    if (
        old.task.is_pickled
        and new.task.is_pickled
        and old.task.settings[PICKLED]["python"] == new.task.settings[PICKLED]["python"]
    ):
        kept["task"] = new.task.model_copy(update={PICKLED: old.task.settings[PICKLED]})
    return new.model_copy(update={"confirm": old.confirm if new.confirm is None else new.confirm, **kept})


def refuse_changes(old: Study, new: Study, storage: Path, more: Sequence[str] = ()) -> None:
    """Refuse a study of which the trials in a database are not a part.

    Args:
        old: the study in the database.
        new: the study asked for, resolved.
        storage: the database, for the message.
        more: further differences that are refused (`time_limit_changes`).

    Raises:
        StudyChanged: with every changed key.
    """
    lines = [
        *changes(old, new),
        *confirmation_changes(old, new),
        *(f"{line} (may grow, not shrink)" for line in shrinkage(old, new)),
        *more,
    ]
    if lines:
        listed = "\n".join(f"  {line}" for line in lines)
        raise StudyChanged(
            f"the study is not the one in {storage}:\n{listed}",
            "undo the change, or give the changed study another name or another --storage",
        )


def _determinants(study: Study, other: Study) -> Flat:
    """What can change a number that both studies have, with the settings of the other searchers that are in both."""
    shared = {name: block.settings for name, block in study.others.items() if name in other.others}
    return _flat(study.determinants()) | _flat({"search": {"others": shared}} if shared else {})


def _tree(study: Study) -> dict[str, Any]:
    """The whole study, its other searchers by name."""
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
    """Whether two leaves are equal and of equal types, inside lists too: 1 is not true, and not 1.0."""
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
    """A value as it would stand in a study file."""
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
