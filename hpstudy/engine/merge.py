"""Merges the shards of a study. They must be parts of one study, run with the same data, code and libraries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from hpstudy.engine.environment import LIBRARIES
from hpstudy.environments import recorded_version
from hpstudy.errors import StoreError, StudyChanged, UsageError, shell_command
from hpstudy.sources import SOURCE
from hpstudy.store import Counts, Reader
from hpstudy.store.merge import write_merged
from hpstudy.study.changes import changes, growth, with_pickle_of
from hpstudy.study.shard import Shard, replicates_in_words


def merge_shards(paths: Sequence[Path], output: Path, *, partial: bool = False, allow_mixed: bool = False) -> None:
    """Merge the databases of shards into one. Its numbers equal those of a run without shards.

    Args:
        paths: the databases of the shards.
        output: the new database.
        partial: merge although replicates or trials are missing; `run` and `resume` complete the new database.
        allow_mixed: merge although library versions differ between sessions; the database records it.

    Raises:
        UsageError: a database is not a shard, two hold the same replicate, or something is missing.
        StudyChanged: the studies, the data, the code or the library versions differ.
        StoreError: a database cannot be read or does not match its seals, or the new one cannot be written.
    """
    with ExitStack() as opened:
        shards = [opened.enter_context(Reader.open(path)) for path in paths]
        for shard in shards:
            opened.enter_context(shard.snapshot())
            _shard(shard)
            if broken := str(shard.broken_seals() or ""):
                raise StoreError(f"{shard.path} was altered or is damaged: {broken}", "use a backup, or run this shard again")
        _check_studies(shards)
        _check_replicates(shards, partial)
        identity = _common_identity(shards)
        mixed = _library_versions(shards)
        if mixed and not allow_mixed:
            listed = "\n".join(f"  {line}" for line in mixed)
            raise StudyChanged(
                f"the shards were run with different libraries, which can change numbers:\n{listed}",
                "run them again with the same versions, or merge with --allow-mixed (recorded, and shown in the report)",
            )
        detail = {"shards": [str(shard.shard) for shard in shards], **({"mixed_libraries": mixed} if mixed else {})}
        write_merged(shards, output, identity, detail)


def _check_replicates(shards: Sequence[Reader], partial: bool) -> None:
    """Reject replicates that are in two shards, in none, or incomplete."""
    study, holders = shards[0].study, defaultdict[int, list[Reader]](list)
    for shard in shards:
        for replicate in _shard(shard).replicates(study):
            holders[replicate].append(shard)
    for replicate, readers in holders.items():
        if len(readers) > 1:
            raise UsageError(
                f"replicate {replicate} is in both {readers[0].path} and {readers[1].path}",
                "name each shard once, and only shards of one division (the same N of --shard I/N)",
            )
    if partial:
        return
    if missing := [replicate for replicate in range(study.replicates) if replicate not in holders]:
        of = _shard(shards[0]).of
        absent = [shard for shard in (Shard(index, of) for index in range(of)) if set(shard.replicates(study)) & set(missing)]
        raise UsageError(
            f"{replicates_in_words(missing)} of {study.name}: in none of the databases (shard {', '.join(map(str, absent))})",
            "add the databases of these shards, or merge the finished trials with --partial",
        )
    for shard in shards:
        if left := Counts.total(shard.counts().values()).left:
            raise UsageError(
                f"shard {shard.shard} in {shard.path} is incomplete: {left:,} {'trial remains' if left == 1 else 'trials remain'}",
                f"complete it with `{shell_command('hpstudy', 'resume', shard.path)}`, or merge the finished trials with --partial",
            )


def _shard(reader: Reader) -> Shard:
    """The shard of a database. Raises UsageError if it holds the whole study."""
    if reader.shard is None:
        raise UsageError(
            f"{reader.path} is not a shard: it holds the whole study", "merge databases of `hpstudy run STUDY --shard I/N`"
        )
    return reader.shard


def _check_studies(shards: Sequence[Reader]) -> None:
    first = shards[0]
    for shard in shards[1:]:
        study = with_pickle_of(first.study, shard.study)
        if study != first.study:
            lines = [*changes(first.study, study), *growth(first.study, study)]
            listed = "\n".join(f"  {line}" for line in lines)
            raise StudyChanged(
                f"{first.path} and {shard.path} do not hold the same study:\n{listed}",
                "run all shards with the same study file; a shard of a study that has grown is run again with the larger one",
            )


def _common_identity(shards: Sequence[Reader]) -> dict[str, str]:
    """Checksums of data and code with which the shards began. A shard may lack code that only some trials import.

    Raises:
        StudyChanged: they differ, after changes that were accepted.
    """
    first = shards[0]
    merged, accepted = first.identity, first.accepted_identity()
    for shard in shards[1:]:
        here = shard.accepted_identity()
        data = {name for name in {*accepted, *here} if not name.startswith(SOURCE)}
        changed = {name for name in data if accepted.get(name) != here.get(name)}
        changed |= {name for name in accepted.keys() & here.keys() if accepted[name] != here[name]}
        if changed:
            raise StudyChanged(
                f"{first.path} and {shard.path} were run with different data or code: {', '.join(sorted(changed))}",
                "accept a change of your code in every shard (`hpstudy run STUDY --shard I/N --allow-changed-code`, also if it is "
                "complete), or run the shards again with the same data and code",
            )
        merged = shard.identity | merged
        accepted |= here
    return merged


def _library_versions(shards: Sequence[Reader]) -> list[str]:
    """Libraries with different versions in the sessions, as lines such as "torch: 2.5.1 (shards 0/2), 2.6.0 (shards 1/2)"."""
    lines = []
    for name in ("python", *LIBRARIES):
        versions = defaultdict[str, list[str]](list)
        for shard in shards:
            for version in dict.fromkeys(recorded_version(session.detail, name) for session in shard.environments()):
                if version is not None:
                    versions[version].append(str(shard.shard))
        if len(versions) > 1:
            used = [f"{version} (shard {', '.join(of)})" for version, of in sorted(versions.items())]
            lines.append(f"{name}: {', '.join(used)}")
    return lines
