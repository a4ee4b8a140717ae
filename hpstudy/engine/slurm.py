"""The array script that runs the shards of a study with Slurm."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from hpstudy.errors import HpstudyError, UsageError, shell_command
from hpstudy.study.schema import Study
from hpstudy.study.shard import MOST_SHARDS, Shard

LEAD_S = 300
"""Seconds before the time limit when Slurm signals the script. Longer: less of a job is used. Shorter: a shard may not be saved in time."""

GRACE_S = 180
"""Seconds that running trials may then continue before they are aborted."""

KEPT_IN = "HPSTUDY_KEPT_IN"
"""Environment variable of a job: the folder that keeps its shard between jobs. `hpstudy run` names it in its messages."""

SCRIPT = """\
#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --array=0-{last}
#SBATCH --signal=B:USR1@{lead_s}
#SBATCH --requeue
#SBATCH --open-mode=append
{options}
# Each task runs one shard on the node's own disk and keeps it in a folder between jobs. Shortly before the time limit it stops, saves the
# shard and queues itself again. Submitting the script again continues every shard that is not complete.

shard="$SLURM_ARRAY_TASK_ID"
kept={kept}"$shard"-of-{shards}
mkdir -p {folder} || exit 1
work="$(mktemp -d "${{SLURM_TMPDIR:-${{TMPDIR:-/tmp}}}}/hpstudy.XXXXXX")" || exit 1

stop() {{
    kill -TERM "$run" 2>/dev/null                     # start no new trial
    for _ in $(seq {grace_s}); do
        kill -0 "$run" 2>/dev/null || return
        sleep 1
    done
    kill -TERM "$run" 2>/dev/null                     # abort running trials; they continue from their checkpoints
}}

save() {{
    rm -rf "$kept.new" "$kept.old" && cp -a "$work" "$kept.new" || return
    if [ -d "$kept" ]; then mv "$kept" "$kept.old" || return; fi
    mv "$kept.new" "$kept" && rm -rf "$kept.old" "$work"
}}

if [ ! -d "$kept" ] && [ -d "$kept.old" ]; then mv "$kept.old" "$kept" || exit 1; fi
if [ -d "$kept" ]; then cp -a "$kept/." "$work/" || exit 1; fi

again=no
export {kept_in}="$kept"
{command} --shard "$shard/{shards}" --storage "$work"/{database} ${{SLURM_CPUS_PER_TASK:+-j "$SLURM_CPUS_PER_TASK"}} &
run=$!
trap 'again=yes; stop' USR1
trap stop TERM INT
while kill -0 "$run" 2>/dev/null; do wait "$run"; done
wait "$run"
code=$?
trap '' USR1 TERM INT
save || {{ echo "shard $shard could not be saved: it is in $work on $(hostname)" >&2; exit 1; }}
echo "shard $shard is saved in $kept. The same script continues shards that are not complete; then: "{merge} >&2
case "$again $code" in "yes 130" | "yes 143") exec scontrol requeue "${{SLURM_ARRAY_JOB_ID}}_$shard" ;; esac
exit "$code"
"""


def array_script(
    study: Study, file: Path, storage: Path, shards: int, *, scale: str | None = None, options: Sequence[str] = ()
) -> str:
    """The script for `sbatch`.

    Args:
        study: the resolved study.
        file: its study file.
        storage: the database of the whole study; the shards are stored in folders next to it.
        shards: number of shards.
        scale: one of the study file's `scales`.
        options: options of sbatch; of several contradictory ones, the last applies.

    Raises:
        UsageError: the study has too few replicates for this number of shards, or an option does not begin with "-".
    """
    if not 1 <= shards <= MOST_SHARDS or not Shard(shards - 1, shards).replicates(study):
        groups = min(study.replicates // study.search.lockstep, MOST_SHARDS)
        raise UsageError(
            f"{study.name} has {study.replicates} replicates, which cannot be divided into {shards} shards",
            f"choose 1 to {groups} shards",
        )
    kept = str(storage.absolute().with_suffix("")) + ".shard-"
    command = [sys.executable, "-m", "hpstudy", "run", str(file.absolute()), *(() if scale is None else ("--scale", scale))]
    return SCRIPT.format(
        name=shlex.quote(study.name),
        last=shards - 1,
        lead_s=LEAD_S,
        options="".join(f"#SBATCH {line}\n" for line in _lines(options)),
        folder=shlex.quote(str(storage.absolute().parent)),
        kept=shlex.quote(kept),
        merge=shlex.quote(shell_command("hpstudy", "merge", f"{kept}*-of-{shards}/*.sqlite")),
        shards=shards,
        kept_in=KEPT_IN,
        grace_s=GRACE_S,
        command=shlex.join(command),
        database=shlex.quote(storage.name),
    )


def submit(script: str) -> str:
    """Submit a script to Slurm and return the output of sbatch.

    Raises:
        UsageError: sbatch is not installed on this machine.
        HpstudyError: sbatch rejected the script.
    """
    try:
        done = subprocess.run(["sbatch"], input=script, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise UsageError(
            "there is no sbatch on this machine", "leave out --submit, and submit the script from a login node"
        ) from None
    except OSError as error:
        raise HpstudyError(f"the script cannot be submitted: {error}") from None
    if done.returncode:
        raise HpstudyError(f"sbatch refused the script: {done.stderr.strip()}", "check the options after `--`")
    return done.stdout.strip()


def _lines(options: Sequence[str]) -> list[str]:
    """The options of sbatch, each with its value on a line of its own."""
    lines: list[list[str]] = []
    for word in options:
        if "\n" in word or not (lines or word.startswith("-")):
            raise UsageError(
                f"{word!r} is not an option of sbatch", "options of sbatch follow `--`, for instance: -- --time=8:00:00 --mem=4G"
            )
        if word.startswith("-"):
            lines.append([word])
        else:
            lines[-1].append(word)
    return [shlex.join(line) for line in lines]
