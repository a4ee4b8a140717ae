"""The task `command`: each trial runs a program and reads the values from its output or from a file."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import sys
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pydantic import field_validator, model_validator

from hpstudy.errors import Problem, TrialFailed, UsageError, nearest
from hpstudy.modules import digest_of, imported_files, study_folder
from hpstudy.sources import SOURCE
from hpstudy.study.blocks import Block
from hpstudy.study.parameters import Value
from hpstudy.study.schema import View
from hpstudy.study.space import Point
from hpstudy.tasks.command.program import run
from hpstudy.tasks.command.template import (
    CHECKPOINT,
    RESERVED,
    SEED,
    SPREADS,
    Template,
    as_argument,
    names_of,
    parts_of,
    substituted,
)
from hpstudy.tasks.command.values import AXES, JsonLines, Matches, MetricsFile, Values
from hpstudy.tasks.interface import Report, Task, refused_method

MAX_LINES = 10
"""Number of last output lines in the message of a failed trial."""

MAX_CHARACTERS = 160
"""Maximum characters of each of these lines."""

LINES = ".hpstudy-lines"
"""File in the checkpoint folder: lines with values printed by an interrupted run of the program."""


class MetricsSettings(Block):
    """The source of a command's values: a file, or output lines that match a regular expression."""

    file: str | None = None
    """A JSON or CSV file that the program writes, such as `"{checkpoint}/metrics.json"`. Its path needs `{checkpoint}`, or the seed and all
    hyperparameters, because trials run in parallel."""
    regex: str | None = None
    """A regular expression whose named groups are metrics, such as `"accuracy: (?P<accuracy>[0-9.]+)"`. It is searched in each line of
    standard output and standard error."""

    @field_validator("file")
    @classmethod
    def _of_its_own(cls, file: str | None) -> str | None:
        if file is not None and not names_of(parts_of(file)):
            raise ValueError(
                'each trial needs its own file: write a placeholder in its path, such as "{checkpoint}/metrics.json"'
            )
        if file is not None and (spread := set(names_of(parts_of(file))) & SPREADS.keys()):
            raise ValueError(f"{{{min(spread)}}} becomes several arguments and cannot be in a path")
        return file

    @field_validator("regex")
    @classmethod
    def _with_groups(cls, regex: str | None) -> str | None:
        if regex is None:
            return None
        try:
            groups = re.compile(regex).groupindex
        except re.error as error:
            raise ValueError(f"this is not a regular expression: {error}") from None
        if not groups.keys() - set(AXES):
            raise ValueError("name the metric as a group, such as (?P<accuracy>[0-9.]+)")
        return regex

    @model_validator(mode="after")
    def _one(self) -> MetricsSettings:
        if (self.file is None) == (self.regex is None):
            raise ValueError("give either 'file' or 'regex'; without 'metrics', the last JSON line of standard output counts")
        return self


class CommandSettings(Block):
    """Settings of a command."""

    command: str
    """The program and its arguments, such as `python train.py --lr {learning_rate} --seed {seed}`, run without a shell in the folder of the
    study file. A placeholder is a hyperparameter, `{seed}`, `{checkpoint}` (a folder that survives an interrupted trial), `{arguments}`
    (`--name=value` for every hyperparameter) or `{overrides}` (`name=value`, as Hydra reads it)."""
    metrics: MetricsSettings | None = None
    """The source of the values. Default: the last line of standard output that is a JSON object."""
    files: tuple[str, ...] = ()
    """More files that determine the numbers, such as configurations that the script reads: paths or patterns such as `conf/**/*.yaml`. The
    database stores their checksums, like those of the files named in the command. Modules that a named Python script imports from its
    folder are found without this key."""

    @field_validator("command")
    @classmethod
    def _readable(cls, command: str) -> str:
        Template(command)
        return command


class Command(Task):
    """A program, run once for each trial.

    It inherits the environment and gets `HPSTUDY_SEED`. A trial fails if the program ends with a nonzero exit code or gives no value of the
    study's metric. It diverges if that value is not finite.
    """

    Settings = CommandSettings
    settings: CommandSettings

    def __init__(self, settings: CommandSettings) -> None:
        super().__init__(settings)
        self._template = Template(settings.command)
        metrics = settings.metrics or MetricsSettings.model_construct()
        self._file = parts_of(metrics.file) if metrics.file is not None else []
        self._pattern = re.compile(metrics.regex) if metrics.regex is not None else None
        self._names = dict.fromkeys([*self._template.names, *names_of(self._file)])

    def objectives(self) -> Sequence[str] | None:
        """The named groups of the regular expression; without one, unknown before the first trial."""
        return None if self._pattern is None else [name for name in self._pattern.groupindex if name not in AXES]

    def check_view(self, view: View) -> list[Problem]:
        """Problems: a hyperparameter is missing in the command, has the name of a reserved placeholder, or is named but may be absent."""
        problems = refused_method(view, "a command")
        for block, names in (("space", list(view.space.names())), ("fixed", list(view.fixed))):
            for name in names:
                if name in RESERVED:
                    problems.append(Problem((block, name), f"{{{name}}} has a special meaning in a command: choose another name"))
                elif name not in self._names and not self._names.keys() & SPREADS.keys():
                    text = f"the command does not use '{name}': add {{{name}}} to it, or {{arguments}} for all hyperparameters"
                    problems.append(Problem((block, name), text))
        problems += [
            Problem(
                ("space", name, "when"),
                f"the command has {{{name}}}, and the hyperparameter may be absent: write {{arguments}}, which leaves it out, instead",
            )
            for name, parameter in view.space.items()
            if parameter.when and name in self._names
        ]
        return problems

    def check_views(self, views: Mapping[str, View]) -> list[Problem]:
        """Problems: a placeholder is not a hyperparameter of all views, a file does not exist, or trials would share their metrics file."""
        names_by_view = {view: [*block.space.names(), *block.fixed] for view, block in views.items()}
        problems = []
        for name in [name for name in self._names if name not in RESERVED]:
            without = [view for view, names in names_by_view.items() if name not in names]
            if len(without) == len(names_by_view):
                every = dict.fromkeys(name for names in names_by_view.values() for name in names)
                text = f"no view tunes or fixes '{name}', which is used in the command: {nearest(name, [*every, *RESERVED])}"
                problems.append(Problem(("task", "command"), text))
            else:
                text = f"the command uses '{name}': add it to space or fixed, or write {{arguments}} in the command instead"
                problems += [Problem(("views", view, "space"), text) for view in without]
        for index, pattern in enumerate(self.settings.files):
            if not self._matching(pattern):
                problems.append(Problem(("task", "files", index), f"there is no file '{pattern}' in {_folder()}"))
        in_path = names_of(self._file)
        if self._file and CHECKPOINT not in in_path:
            # Trials of the same number have the same seed in all views, and trials of a sweep have that of their replicate.
            tuned = [name for block in views.values() for name in block.space.names()]
            fixed = [name for block in views.values() for name in block.fixed]
            differing = [name for name in fixed if len({repr(block.fixed.get(name)) for block in views.values()}) > 1]
            if missing := [name for name in (SEED, *tuned, *differing) if name not in in_path]:
                text = (
                    f"trials that differ only in '{missing[0]}' would write the same file: begin its path with {{{CHECKPOINT}}}/"
                )
                problems.append(Problem(("task", "metrics", "file"), text))
        return problems

    def prepare(self) -> None:
        """Raise UsageError if the program does not exist."""
        program = next(iter(self._template.constants), "")
        if program == shlex.split(self.settings.command)[0] and shutil.which(_runnable(program)) is None:
            raise UsageError(
                f"there is no program '{program}', which the command of the task runs",
                "install it, write its full path, or check the PATH of this shell",
            )

    def sources(self) -> dict[str, str]:
        """Checksums of the files that the command names, of the modules that a Python script imports from its folder, and of `files`."""
        program, *_ = shlex.split(self.settings.command)
        named = [text for constant in self._template.constants for text in (constant, constant.partition("=")[2])]
        paths = [path for path in named if path and (path != program or "/" in path)]
        scripts = [(Path(path).parent, Path(path).name) for path in paths if path.endswith(".py")]
        modules = [name.replace(".", "/") + ".py" for flag, name in pairwise(self._template.constants) if flag == "-m"]
        for folder, script in [*scripts, *((Path(), module) for module in modules)]:
            paths += [str(folder / file) for file in {script, *imported_files(_folder() / folder, script)}]
        paths += [path for pattern in self.settings.files for path in self._matching(pattern)]
        # In databases of earlier versions, a name with a colon is the name of a part.
        digests = {os.path.normpath(path): digest_of(Path(_folder(), path)) for path in paths if ":" not in path}
        return {SOURCE + path: digest for path, digest in digests.items() if digest}

    def evaluate(self, view: View, point: Point, seed: int, report: Report) -> Mapping[str, Any]:
        """Run the program. Raises TrialFailed when it failed or gave no value."""
        values = {**view.fixed, **point}
        keeps = CHECKPOINT in self._names
        with _checkpoint(report, self.sources(), keeps=keeps) as folder:
            reserved = {SEED: str(seed), CHECKPOINT: str(folder)}
            arguments = self._template.fill(values, reserved)
            collector = self._values({**values, **reserved})
            last_lines: deque[tuple[str, bool]] = deque(maxlen=MAX_LINES)
            lines_file = folder / LINES
            _replay(lines_file, collector)

            def take_line(line: str, *, is_error: bool) -> None:
                if line.strip():
                    last_lines.append((line[:MAX_CHARACTERS], is_error))
                if collector.take_line(line, is_error=is_error):
                    # Without the folder there is no checkpoint either: an interrupted program starts over and prints its lines again.
                    with suppress(FileNotFoundError), lines_file.open("a", encoding="utf-8") as file:
                        file.write(json.dumps([line, is_error]) + "\n")

            print(f"$ {shlex.join(arguments)}", file=sys.stderr, flush=True)
            arguments[0] = _runnable(arguments[0])
            environment = {**os.environ, "PYTHONUNBUFFERED": "1", "HPSTUDY_SEED": str(seed)}
            try:
                code = run(arguments, _folder(), environment, take_line, together=self._pattern is not None)
            except OSError as error:
                raise TrialFailed(f"{arguments[0]} cannot be run: {error.strerror}") from error
            collector.finish()
        for (epoch, name), value in sorted(collector.curves.items()):
            report(epoch, **{name: value})
        if code:
            failure = _exit_reason(code, last_lines)
        elif collector.cut:
            failure = f"the values of the command are cut off: {collector.cut} is not complete"
        elif not collector.final:
            failure = f"the command gave no value: {collector.missing}"
        else:
            return collector.final
        raise TrialFailed(_with_last_lines(failure, last_lines))

    def _values(self, values: Mapping[str, Value]) -> Values:
        """The collector of a trial's values."""
        if self._pattern is not None:
            return Matches(self._pattern)
        if self._file:
            return MetricsFile(_folder() / substituted(self._file, {name: as_argument(value) for name, value in values.items()}))
        return JsonLines()

    def _matching(self, pattern: str) -> list[str]:
        """The files of a pattern, relative to the study's folder if the pattern is."""
        absolute = pattern.startswith("/")
        base = Path("/") if absolute else _folder()
        try:
            files = sorted(path for path in base.glob(pattern.lstrip("/")) if path.is_file())
        except ValueError:  # no pattern
            return []
        return [str(path) if absolute else os.path.relpath(path, base) for path in files]


def _folder() -> Path:
    """The folder in which commands run: the folder of the study file, or the working directory for a study without a file."""
    return Path(study_folder() or Path.cwd())


def _runnable(program: str) -> str:
    """The program in a form that can be started from any folder."""
    return str(_folder() / program) if "/" in program else program


@contextmanager
def _checkpoint(report: Report, sources: Mapping[str, str], *, keeps: bool) -> Iterator[Path]:
    """The trial's checkpoint folder; a temporary one if checkpoints are not kept."""
    kept = report.checkpoint.folder(sources) if keeps else None
    if kept is not None:
        yield kept
        return
    with TemporaryDirectory(prefix="hpstudy-") as folder:
        yield Path(folder)


def _replay(lines: Path, collector: Values) -> None:
    """Restore the curves of an interrupted run of the program, which it does not print again."""
    with suppress(OSError, ValueError):  # a killed process may leave a partial line at the end
        for text in lines.read_text(encoding="utf-8").splitlines():
            line, is_error = json.loads(text)
            collector.take_line(line, is_error=is_error)
    collector.final = {}


def _exit_reason(code: int, last_lines: Sequence[tuple[str, bool]]) -> str:
    """The reason why a program failed: its exit code, and the last line of standard error (or of all output)."""
    if code < 0:
        how = f"the command was ended by signal {-code} ({signal.Signals(-code).name})"
    else:
        how = f"the command ended with exit code {code}"
    lines = [line.strip() for line, is_error in last_lines if is_error] or [line.strip() for line, _ in last_lines]
    return f"{how}: {lines[-1]}" if lines else how


def _with_last_lines(sentence: str, last_lines: Sequence[tuple[str, bool]]) -> str:
    if not last_lines:
        return f"{sentence}. It printed nothing"
    return "\n".join([sentence, "The last lines that it printed:", *(f"  {line}" for line, _ in last_lines)])
