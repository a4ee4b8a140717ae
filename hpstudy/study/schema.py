"""The schema of a study, as declared in a study file and stored in its database.

`hpstudy.loading.bind` checks settings and hyperparameters that belong to a task, a method or a searcher.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from hpstudy.display import Listing, as_html
from hpstudy.goal import Goal
from hpstudy.plugins import is_plugin
from hpstudy.study.blocks import WHOLE, Block, Name, OpenBlock
from hpstudy.study.constraints import parse
from hpstudy.study.declaration import Analysis
from hpstudy.study.parameters import Value, values_in_words
from hpstudy.study.space import Space

Control = Literal["default", "random"]
"""Controls that the searches of a view are compared with: its default point, or random search."""


MOST_REPLICATES = 1_000
"""Maximum replicates of a study."""

MOST_SEEDS = 1_000
"""Maximum fresh seeds of a point."""

MOST_TRIALS = 1_000_000
"""Maximum trials of a study. A report reads all of them into memory; a million take a few gigabytes."""

MOST_RESAMPLED = 100_000_000
"""Maximum of bootstrap resamples times replicates: the numbers of one table in memory, 8 bytes each."""


COMMAND = "command"
"""The task that runs a user's program. Its block may omit `use`."""

MAIN = "__main__:"
PICKLED = "pickled"
"""A function of a notebook or a script is named "__main__:function". This setting of the task stores the pickled function."""


class TaskBlock(OpenBlock):
    """The task that is trained and measured. All keys except `use` are settings of the task."""

    use: str
    """A task of `hpstudy list tasks`, or "my_module:my_function" for a function of your own. Not needed with `command`, the command line of
    your own program."""

    @model_validator(mode="before")
    @classmethod
    def _command(cls, block: Any) -> Any:
        return {"use": COMMAND, **block} if isinstance(block, dict) and COMMAND in block else block

    @property
    def is_own(self) -> bool:
        """Whether it runs user code."""
        return is_plugin(self.use) or self.use == COMMAND

    @property
    def is_pickled(self) -> bool:
        """Whether it is a function of a notebook or a script, which is stored in the study."""
        return self.use.startswith(MAIN) and PICKLED in self.settings

    @property
    def title(self) -> str:
        """The name of the task in reports."""
        return self.use.removeprefix(MAIN)


class OtherSearcher(OpenBlock):
    """Another searcher of a study. All keys except `searcher` are settings of that searcher."""

    searcher: str
    """A searcher of `hpstudy list searchers` that is not the study's own."""


def _as_block(other: Any) -> Any:
    """Convert the name of another searcher to a block."""
    return {"searcher": other} if isinstance(other, str) else other


class SearchBlock(OpenBlock):
    """The choice of the next point. All keys except these four are settings of the searcher."""

    added: ClassVar = frozenset({"lockstep", "others"})

    searcher: str = "ax"
    """A searcher of `hpstudy list searchers`."""
    trials: int = Field(ge=1, le=100_000)
    """Number of trials of every search, including initial ones."""
    lockstep: int = Field(default=1, ge=1, le=1_000)
    """Number of replicates of a view that run in lockstep: their next points are chosen together, and tasks that support it train them
    together. It must divide `replicates`. Cannot be changed once there is a database."""
    others: tuple[Annotated[OtherSearcher, BeforeValidator(_as_block, json_schema_input_type=str | OtherSearcher)], ...] = ()
    """Other searchers, by name or as a block with settings. Each one also searches every view, with the same number of trials and the same
    training seeds. The report shows whether the result depends on the searcher. May be added later."""


class Metric(Block):
    """The number that the searcher receives and that decides which trial is best."""

    name: str
    """A metric that the task reports."""
    goal: Goal
    """Whether smaller or larger values are better."""
    on_failure: Literal["worst", "drop"] = "worst"
    """The value that the searcher receives for a trial without a value: the worst value so far, or none, only the point."""


def _is_constraint(text: str) -> str:
    parse(text)
    return text


class View(Block):
    """One parameterization of the task: the hyperparameters that are tuned, and those that are fixed."""

    added: ClassVar = frozenset({"constraints", "enqueue"})

    label: str = ""
    """The name of the view in figures. Default: its key in the study."""
    method: str | None = None
    """The training method, for tasks that have several (`hpstudy list methods`)."""
    space: Space
    """The hyperparameters to tune."""
    constraints: tuple[Annotated[str, AfterValidator(_is_constraint)], ...] = ()
    """Linear inequalities between hyperparameters of the space that every point satisfies, such as "warmup <= epochs" and "a + 2*b <= 10".
    An inequality with an absent hyperparameter is satisfied."""
    enqueue: tuple[dict[str, Value], ...] = ()
    """Points that are the first trials of every search of the view, in order (warm start). They count as trials."""
    fixed: dict[str, Value] = Field(default={})
    """Hyperparameters fixed at one value."""
    note: str = ""
    """A note for readers of the report."""

    @model_validator(mode="after")
    def _no_overlap(self) -> View:
        if both := sorted(set(self.space.names()) & set(self.fixed)):
            raise ValueError(f"both tuned and fixed: {', '.join(both)}")
        return self

    @model_validator(mode="after")
    def _constrain(self) -> View:
        if self.constraints:
            # The model is frozen for its users. A searcher receives only the space, which must contain its constraints.
            self.__dict__["space"] = self.space.constrained(map(parse, self.constraints))
        return self

    def __repr__(self) -> str:
        method = [self.method] if self.method else []
        fixed = [f"fixed: {', '.join(f'{name} {value}' for name, value in self.fixed.items())}"] if self.fixed else []
        return f"<View {'; '.join([*method, repr(self.space), *fixed])}>"

    __str__ = __repr__


class Limits(Block):
    """Limits at which a trial, or the whole run, is stopped."""

    timeout_s: float | None = Field(default=None, gt=0)
    """Time limit in seconds, after which a trial is ended and recorded as timed out. Trials that are trained together (`search.lockstep`)
    are ended together."""
    max_failures: int = Field(default=10, ge=1)
    """Stop the run when this many trials failed, timed out or diverged before any trial completed."""
    max_attempts: int = Field(default=3, ge=1)
    """Maximum attempts of a trial whose worker died, before it is recorded as failed."""


class Confirm(Block):
    """Retraining on fresh seeds: the best trial of every complete search, and the default point of every view."""

    added: ClassVar = frozenset({"incumbents"})

    seeds: int = Field(default=5, ge=1, le=MOST_SEEDS)
    """Number of fresh seeds of each point. With 5, the standard error of a point's mean is 0.45 standard deviations of the noise."""
    incumbents: bool = False
    """Retrain every incumbent of a search: each trial that is better than all before it. The fresh seeds are then specific to the replicate
    and common to all views; otherwise they are common to all replicates. Cannot be changed once there are confirmations."""


class Resources(Block):
    """Resources that a trial needs from its worker. Only the executor dask uses them."""

    gpus: int = Field(default=0, ge=0)
    """Number of GPUs: the Dask resource GPU."""
    memory_gib: float = Field(default=0.0, ge=0)
    """Memory in GiB: the Dask resource MEMORY, in bytes."""

    def amounts(self) -> dict[str, float]:
        """Amounts by the names that Dask uses by convention, without those that are 0."""
        amounts = {"GPU": float(self.gpus), "MEMORY": self.memory_gib * 2**30}
        return {name: amount for name, amount in amounts.items() if amount}


SeedBits = Annotated[Literal[31, 63], WHOLE]
"""Size of a seed."""

SEED_SIZES = ("seed_bits", "search_seed_bits")
"""Keys of a study that set the size of seeds. A database without such a key has seeds of 63 bits."""


class Study(Block):
    """One file, one question: a task, its views, a search, a number of replicates."""

    added: ClassVar = frozenset({"confirm", "resources", *SEED_SIZES})

    version: Annotated[Literal[1], WHOLE] = 1
    """Version of this format."""
    name: Name
    """The name of the study. It is used for the database and the report."""
    question: str = ""
    """The question that the study answers, in one sentence."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Root of all seeds of the study. 0 has no special meaning."""
    seed_bits: SeedBits | None = None
    """Size of the seed of each training. Default: 31 for a task of your own (NumPy and scikit-learn accept at most 32), 63 for other tasks
    and in databases without this key."""
    search_seed_bits: SeedBits | None = None
    """Size of the seed that the searcher receives. Default: 31 for a searcher of your own, 63 for other searchers and in databases without
    this key."""
    task: TaskBlock
    """The task that is trained and measured."""
    metric: Metric
    """The number that the searcher receives."""
    views: dict[Name, View] = Field(min_length=1, max_length=100)
    """The parameterizations to compare."""
    search: SearchBlock
    """The choice of points."""
    replicates: int = Field(ge=1, le=MOST_REPLICATES)
    """Number of independent searches of every view."""
    controls: tuple[Control, ...] = Field(default=(), json_schema_extra={"uniqueItems": True})
    """Additional arms: `random`, the same number of random searches of every view; `default`, one training of every view's default point
    per replicate. May be added later."""
    confirm: Confirm | None = None
    """Retrain the best points of the searches on seeds that no search has used. May be added later, and its seeds may be increased."""
    limits: Limits = Limits()
    """Limits for trials and for the run."""
    resources: Resources | None = None
    """Resources that a trial needs from a worker on a cluster. May be changed at any time."""
    analysis: Analysis = Analysis()
    """Settings of the report."""

    _module_folder: str | None = PrivateAttr(default=None)  # private, because a model compares and stores its fields

    @field_validator("controls")
    @classmethod
    def _once(cls, controls: tuple[Control, ...]) -> tuple[Control, ...]:
        if len(set(controls)) < len(controls):
            raise ValueError("lists a control twice: every control runs once")
        return controls

    @property
    def others(self) -> dict[str, OtherSearcher]:
        """All searchers except the study's own, by name: those of `search.others`, and random search if it is a control."""
        blocks = {block.searcher: block for block in self.search.others}
        return {**blocks, **{name: OtherSearcher(searcher=name) for name in self.controls if name == "random"}}

    @model_validator(mode="after")
    def _fits(self) -> Study:
        trials = self.search.trials * (1 + len(self.others)) + ("default" in self.controls)
        confirmed = 1 + len(self.search.others)
        confirmations = self.confirm.seeds * (self.replicates * confirmed + 1) if self.confirm else 0
        planned = len(self.views) * (self.replicates * trials + confirmations)
        if planned > MOST_TRIALS:
            raise ValueError(f"this study plans {planned:,} trials, more than {MOST_TRIALS:,}: lower replicates or search.trials")
        if self.analysis.resamples * self.replicates > MOST_RESAMPLED:
            most = MOST_RESAMPLED // self.replicates
            raise ValueError(f"analysis.resamples must be at most {most:,} for {self.replicates} replicates")
        return self

    @property
    def module_folder(self) -> str | None:
        """The folder of the study file, or the one that its database records, which copies of the study keep; None if there is none.

        It is not a setting: it is neither compared nor stored with the study.
        """
        return self._module_folder

    def in_folder(self, folder: str | None) -> Study:
        """The same study with another `module_folder`."""
        study = self.model_copy()
        study._module_folder = folder
        return study

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Study) and dict(self) == dict(other)  # iterates over the fields, without private attributes

    def started(self) -> Study:
        """The study as stored in a new database. User code gets seeds of 31 bits unless the study states a size."""
        own = {"seed_bits": self.task.is_own, "search_seed_bits": is_plugin(self.search.searcher)}
        users = {key: 31 for key, is_own in own.items() if is_own and getattr(self, key) is None}
        return self.model_copy(update=users)

    def __repr__(self) -> str:
        return f"<Study '{self.name}': {self._in_words()}; views {', '.join(self.views)}>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        """The views and their hyperparameters, for a notebook."""
        rows = tuple(
            (name, parameter, *values)
            for name, view in self.views.items()
            for parameter, values in (
                *((key, (each.type, values_in_words(each))) for key, each in view.space.items()),
                *((key, ("fixed", str(value))) for key, value in view.fixed.items()),
            )
        )
        return as_html(
            f"Study {self.name}: {self._in_words()}. {self.question}".strip(),
            Listing("Views", ("view", "hyperparameter", "type", "values"), rows),
        )

    def _in_words(self) -> str:
        searchers = " and ".join((self.search.searcher, *(other.searcher for other in self.search.others)))
        sizes = f"{searchers}, {self.search.trials:,} trials x {self.replicates:,} replicates"
        return f"task {self.task.title}, {self.metric.goal} {self.metric.name}; {sizes}"

    def to_json(self) -> str:
        """The whole study as JSON text, the form that a database stores."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Study:
        """Read a study from the text of `to_json`."""
        return cls.model_validate(json.loads(text))

    def determinants(self) -> dict[str, Any]:
        """All settings that can change a number of a trial.

        Excluded are names and notes for readers, analysis settings, resources, and settings that may grow (replicates, trials, controls,
        other searchers, confirmations): trial n of replicate r is the same for all sizes, whichever other searches exist.
        """
        study = self.model_dump(
            mode="json", exclude={"name", "question", "replicates", "controls", "confirm", "resources", "analysis"}
        )
        del study["search"]["trials"], study["limits"]["max_failures"]
        study["search"].pop("others", None)
        if self.task.is_pickled:
            del study["task"][PICKLED]  # its digest is in the identity of the database, like that of other code
        for view in study["views"].values():
            del view["label"], view["note"]
            # The fingerprint sorts keys, but the order of hyperparameters is the order of the search's dimensions.
            view["order"] = list(view["space"])
        return study

    def user_parts(self) -> list[str]:
        """The task, searchers and methods from a user's own modules, as "module:name"."""
        task = None if self.task.is_pickled else self.task.use
        parts = (task, self.search.searcher, *self.others, *(view.method for view in self.views.values()))
        return [part for part in parts if part and is_plugin(part)]

    def plugins(self) -> list[str]:
        """Names of all parts that the user supplies: `user_parts`, a pickled function, and the data set or network of a built-in task."""
        settings = {} if self.task.is_own else self.task.settings
        function = [self.task.use] if self.task.is_pickled else []
        return [*function, *self.user_parts(), *(text for text in _texts(settings) if is_plugin(text))]

    def declaration(self) -> str:
        """SHA-256 (hex) of the analysis settings, to check that the declaration has not changed."""
        text = json.dumps(self.analysis.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def fingerprint(self) -> str:
        """SHA-256 (hex) of `determinants`: two studies with the same fingerprint run the same trials."""
        text = json.dumps(self.determinants(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _texts(value: Any) -> Iterator[str]:
    """All strings in nested settings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from (text for inner in value.values() for text in _texts(inner))
    elif isinstance(value, list | tuple):
        yield from (text for inner in value for text in _texts(inner))
