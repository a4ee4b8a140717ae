"""What is asked: the study, as it is declared in a study file and kept in its database.

These models hold the form of a study. What only a task, a method or a searcher can know (their own settings and
hyperparameters) is checked in `hpstudy.loading.bind`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from hpstudy.display import Listing, as_html
from hpstudy.goal import Goal
from hpstudy.plugins import is_plugin
from hpstudy.study.blocks import Block, Name, OpenBlock
from hpstudy.study.constraints import parse
from hpstudy.study.declaration import Analysis
from hpstudy.study.parameters import Value, values_in_words
from hpstudy.study.space import Space

Control = Literal["default", "random"]
"""What the searches of a view are measured against: its default point, or random search."""


MOST_SEEDS = 1_000
"""Fresh seeds of a point."""

MOST_TRIALS = 1_000_000
"""Trials of a study. A report reads all of them into memory; a million take some gigabytes."""

MOST_RESAMPLED = 100_000_000
"""Bootstrap resamples times replicates: numbers of one table in memory, 8 bytes each."""


COMMAND = "command"
"""The task that runs a program of the user's; its block may leave out `use`."""

MAIN = "__main__:"
PICKLED = "pickled"
"""A function of a notebook or a script is named "__main__:function", and this setting of the task holds it."""


class TaskBlock(OpenBlock):
    """What is trained and measured. All keys but `use` are settings of the task."""

    use: str
    """A task of `hpstudy list tasks`, or "my_module:my_function" for a function of your own. Not needed beside `command`, the
    command line of a program of your own."""

    @model_validator(mode="before")
    @classmethod
    def _command(cls, block: Any) -> Any:
        return {"use": COMMAND, **block} if isinstance(block, dict) and COMMAND in block else block

    @property
    def is_own(self) -> bool:
        """Whether it runs code of the user's."""
        return is_plugin(self.use) or self.use == COMMAND

    @property
    def is_pickled(self) -> bool:
        """Whether it is a function of a notebook or a script, which the study holds itself."""
        return self.use.startswith(MAIN) and PICKLED in self.settings

    @property
    def title(self) -> str:
        """The task as a report names it."""
        return self.use.removeprefix(MAIN)


class OtherSearcher(OpenBlock):
    """Another searcher of a study. All keys but `searcher` are settings of that searcher."""

    searcher: str
    """A searcher of `hpstudy list searchers` that is not the study's own."""


def _as_block(other: Any) -> Any:
    """Another searcher that is given by its name, as a block."""
    return {"searcher": other} if isinstance(other, str) else other


class SearchBlock(OpenBlock):
    """How the next point is chosen. All keys but these four are settings of the searcher."""

    searcher: str = "ax"
    """A searcher of `hpstudy list searchers`."""
    trials: int = Field(ge=1, le=100_000)
    """Trials of every search, the initial ones included."""
    lockstep: int = Field(default=1, ge=1, le=1_000)
    """Replicates of a view that run in lockstep: their next points are chosen together, and tasks that can train them together do so.
    Divides `replicates`. Cannot be changed once there is a database."""
    others: tuple[Annotated[OtherSearcher, BeforeValidator(_as_block, json_schema_input_type=str | OtherSearcher)], ...] = ()
    """Other searchers, by name or as a block with settings. Each searches every view too, with as many trials and the same training seeds,
    and the report says whether the answer depends on the searcher. May be added later."""

    @model_serializer(mode="wrap")
    def _without_default(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A block without `lockstep` or `others` is written as before the keys existed."""
        absent = {"lockstep": 1, "others": []}
        return {key: value for key, value in dump(self).items() if key not in absent or value not in (absent[key], ())}


class Metric(Block):
    """The number that the search sees and that decides which trial is best."""

    name: str
    """A metric that the task reports."""
    goal: Goal
    """Which way is better."""
    on_failure: Literal["worst", "drop"] = "worst"
    """What the search sees for a trial without a value: the worst value so far, or only that the point was tried."""


def _is_constraint(text: str) -> str:
    parse(text)
    return text


class View(Block):
    """One hyperparameterisation of the task: what is tuned, and what is held fixed."""

    label: str = ""
    """How figures name the view; its key in the study when empty."""
    method: str | None = None
    """The training method, for tasks that have several (`hpstudy list methods`)."""
    space: Space
    """The hyperparameters to tune."""
    constraints: tuple[Annotated[str, AfterValidator(_is_constraint)], ...] = ()
    """Linear inequalities between hyperparameters of the space that every point satisfies, such as "warmup <= epochs" and "a + 2*b <= 10".
    An inequality with an absent hyperparameter is satisfied."""
    enqueue: tuple[dict[str, Value], ...] = ()
    """Points that are the first trials of every search of the view, in order: a warm start. They are trials like all others."""
    fixed: dict[str, Value] = Field(default={})
    """Hyperparameters held at one value."""
    note: str = ""
    """A remark for the reader of the report."""

    @model_validator(mode="after")
    def _no_overlap(self) -> View:
        if both := sorted(set(self.space.names()) & set(self.fixed)):
            raise ValueError(f"tuned and fixed at once: {', '.join(both)}")
        return self

    @model_validator(mode="after")
    def _constrain(self) -> View:
        if self.constraints:
            # The model is frozen for its users; a searcher gets the space, which must know its constraints.
            self.__dict__["space"] = self.space.constrained(map(parse, self.constraints))
        return self

    @model_serializer(mode="wrap")
    def _without_absent(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A view without constraints or enqueued points is written as before they existed."""
        return {key: value for key, value in dump(self).items() if key not in ("constraints", "enqueue") or value}


class Limits(Block):
    """When to give up on a trial, and on the whole study."""

    timeout_s: float | None = Field(default=None, gt=0)
    """Seconds after which a trial is ended and recorded as timed out. Trials that are trained together (`search.lockstep`) are ended
    together."""
    max_failures: int = Field(default=10, ge=1)
    """End the run when this many trials failed, timed out or diverged before a single one completed."""
    max_attempts: int = Field(default=3, ge=1)
    """How often a trial whose worker died is tried before it is recorded as failed."""


class Confirm(Block):
    """Training again, on fresh seeds: the best trial of every complete search, and the default point of every view."""

    seeds: int = Field(default=5, ge=1, le=MOST_SEEDS)
    """Fresh seeds of each point. With 5, the mean of a point is known to 0.45 standard deviations of the noise."""
    incumbents: bool = False
    """Train every incumbent of a search: each trial that is better than all before it. The fresh seeds then belong to the replicate and
    are common to all views; otherwise they are common to all replicates. Cannot be changed once there are confirmations."""

    @model_serializer(mode="wrap")
    def _without_default(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A block without `incumbents` is written as before the key existed."""
        return {key: value for key, value in dump(self).items() if key != "incumbents" or value}


class Resources(Block):
    """What a trial needs of the worker that runs it. Only the executor dask looks at it."""

    gpus: int = Field(default=0, ge=0)
    """GPUs: the Dask resource GPU."""
    memory_gib: float = Field(default=0.0, ge=0)
    """Memory in GiB: the Dask resource MEMORY, in bytes."""

    def amounts(self) -> dict[str, float]:
        """Amounts by the names that Dask uses by convention, without those that are 0."""
        amounts = {"GPU": float(self.gpus), "MEMORY": self.memory_gib * 2**30}
        return {name: amount for name, amount in amounts.items() if amount}


SEED_SIZES = ("seed_bits", "search_seed_bits")
"""Keys of a study that state the size of seeds; a database that does not state one has seeds of 63 bits."""


class Study(Block):
    """One file, one question: a task, its views, a search, a number of replicates."""

    version: Literal[1] = 1
    """Version of this format."""
    name: Name
    """Names the database and the report."""
    question: str = ""
    """The question that the study answers, in a sentence."""
    seed: int = Field(default=0, ge=0, lt=2**63)
    """Root of every seed of the study. 0 is a seed like any other."""
    seed_bits: Literal[31, 63] | None = None
    """Size of the seed of each training. Default: 31 for a task of your own (NumPy and scikit-learn accept at most 32), 63 for the other
    tasks and in databases that do not state it."""
    search_seed_bits: Literal[31, 63] | None = None
    """Size of the seed that the searcher receives. Default: 31 for a searcher of your own, 63 for the other searchers and in databases
    that do not state it."""
    task: TaskBlock
    """What is trained and measured."""
    metric: Metric
    """The number that the search sees."""
    views: dict[Name, View] = Field(min_length=1, max_length=100)
    """The hyperparameterisations to compare."""
    search: SearchBlock
    """How points are chosen."""
    replicates: int = Field(ge=1, le=1_000)
    """Independent searches of every view."""
    controls: tuple[Control, ...] = Field(default=(), json_schema_extra={"uniqueItems": True})
    """Beside the searches: `random`, as many random searches of every view; `default`, one training of every view's default point per
    replicate. May be added later."""
    confirm: Confirm | None = None
    """Train what the searches chose again, on seeds that no search has seen. May be added, and its seeds raised, later."""
    limits: Limits = Limits()
    """When to give up."""
    resources: Resources | None = None
    """What a trial needs of a worker on a cluster. May be changed at any time."""
    analysis: Analysis = Analysis()
    """What the report computes."""

    @field_validator("controls")
    @classmethod
    def _once(cls, controls: tuple[Control, ...]) -> tuple[Control, ...]:
        if len(set(controls)) < len(controls):
            raise ValueError("names a control twice: every control is run once")
        return controls

    @property
    def others(self) -> dict[str, OtherSearcher]:
        """All searchers but the study's own, by name: those of `search.others`, and random search where it is a control."""
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

    @model_serializer(mode="wrap")
    def _without_absent(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """A study without confirmations, resources or sizes of seeds is written as before these keys existed."""
        absent = ("confirm", "resources", *SEED_SIZES)
        return {key: value for key, value in dump(self).items() if key not in absent or value is not None}

    def started(self) -> Study:
        """The study as a new database keeps it. User code gets seeds of 31 bits unless the study states a size."""
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
        """The whole study as JSON text, the form in which a database keeps it."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Study:
        """Read what `to_json` wrote."""
        return cls.model_validate(json.loads(text))

    def determinants(self) -> dict[str, Any]:
        """Everything in the study that can change a trial's number.

        Left out: names and remarks for readers, analysis settings, resources, and what may grow (replicates, trials,
        controls, other searchers, confirmations), because trial n of replicate r is the same for all sizes and next to all other
        searches.
        """
        study = self.model_dump(
            mode="json", exclude={"name", "question", "replicates", "controls", "confirm", "resources", "analysis"}
        )
        del study["search"]["trials"], study["limits"]["max_failures"]
        study["search"].pop("others", None)
        if self.task.is_pickled:
            del study["task"][PICKLED]  # its digest is in the identity of the database, as that of other code
        for view in study["views"].values():
            del view["label"], view["note"]
            # The fingerprint sorts keys, but the order of hyperparameters is the order of the search's dimensions.
            view["order"] = list(view["space"])
        return study

    def user_parts(self) -> list[str]:
        """The task, the searchers and the methods that a user's own modules hold, as "module:name"."""
        task = None if self.task.is_pickled else self.task.use
        parts = (task, self.search.searcher, *self.others, *(view.method for view in self.views.values()))
        return [part for part in parts if part and is_plugin(part)]

    def plugins(self) -> list[str]:
        """All names of the user's own parts: `user_parts`, a pickled function, and the data set or network of a built-in task."""
        settings = {} if self.task.is_own else self.task.settings
        function = [self.task.use] if self.task.is_pickled else []
        return [*function, *self.user_parts(), *(text for text in _texts(settings) if is_plugin(text))]

    def declaration(self) -> str:
        """SHA-256 (hex) of the analysis settings: what was declared, and whether it is still the same."""
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
