"""The search spaces and the best points."""

from __future__ import annotations

import math
from collections.abc import Iterator

from hpstudy.analysis.results import Results
from hpstudy.analysis.sweeps.points import SweepView, summary
from hpstudy.analysis.view_result import ViewResult
from hpstudy.metric_names import of_layer
from hpstudy.report import numbers, sweeps
from hpstudy.report.labels import long_name
from hpstudy.report.model import Section, Table
from hpstudy.report.notation import Notation
from hpstudy.study.parameters import ChoiceParameter, FloatParameter, IntParameter, conditions


def chapter(results: Results) -> Iterator[Section]:
    """A table for every view."""
    if results.sweep:
        made = (table(results, view) for view in results.sweep for table in (sweep_points, sweep_space))
        yield Section("Points", tuple(made))
    else:
        yield Section("Search spaces and best points", tuple(hyperparameters(results, view) for view in results.views))


def hyperparameters(results: Results, view: ViewResult) -> Table:
    """A view's search space, its fixed hyperparameters and its best point."""
    study = results.study
    best = view.best_trial
    rows = []
    for name, parameter in study.views[view.name].space.items():
        value = numbers.hyperparameter(best.point.get(name)) if best else numbers.MISSING
        rows.append((name, _range(parameter), _scale(parameter), value))
    rows += [(name, "fixed", "", numbers.hyperparameter(held)) for name, held in study.views[view.name].fixed.items()]
    caption = f"View {long_name(results, view.name)}: search space and best point."
    if best:
        value_text = Notation(results).value
        others = ", ".join(
            f"{name} {value_text(value)}"
            for name, value in best.metrics.items()
            if name != study.metric.name and not math.isnan(value) and of_layer(name) is None
        )
        note = (
            f"Best point: {study.metric.name} {value_text(best.value)}, trial {best.number} of replicate {best.replicate} (both counted "
            f"from 0){'; ' + others if others else ''}. The value is the best of many noisy ones and biased by selection."
        )
    else:
        note = "No trial has a value."
    if constraints := study.views[view.name].constraints:
        note = f"Constraints: {'; '.join(constraints)}. {note}"
    if study.views[view.name].note:
        note = f"{study.views[view.name].note.strip()} {note}"
    return Table(caption, ("hyperparameter", "searched", "scale", "best point"), tuple(rows), left=3, note=note)


def sweep_points(results: Results, view: SweepView) -> Table:
    """The points of a view with their means."""
    notation, means = Notation(results), sweeps.objective(results, view)
    others, best = sweeps.shown(results, view), sweeps.best(results, view)
    names = view.swept if len(view.swept) <= sweeps.MOST_COLUMNS else ()
    beside = {name: summary(view.values[name], results.study.analysis.confidence).mean for name in others}
    listed = sweeps.listed(results, view)
    columns = [numbers.hyperparameters([view.points[number].get(name) for number in listed]) for name in names]
    rows = []
    for row, number in enumerate(listed):
        point = [column[row] for column in columns] or [sweeps.point_text(view, number)]
        rows.append(
            (
                f"{number}{' *' if number == best and len(view.points) > 1 else ''}",
                *point,
                str(int(means.replicates[number])),
                *notation.cells(means.mean[number], means.low[number], means.high[number]),
                *(sweeps.metric_text(view.values[name], float(beside[name][number])) for name in others),
            )
        )
    measured = (f"mean {notation.metric}", notation.ci, *(f"mean {name}" for name in others))
    head = ("point", *(names or ("hyperparameters",)), "n", *measured)
    notes = ["* is the best mean." if best is not None and len(view.points) > 1 else ""]
    if (missing := sum(not point for point in view.points)) > 0:
        notes.append(f"{numbers.things(missing, 'point')} {numbers.plural(missing, 'has', 'have')} not started.")
    if len(listed) < len(view.points) - missing:
        notes.append(f"The best {len(listed)} of {len(view.points)} points; sweep_means.csv has all.")
    caption = f"View {long_name(results, view.name)}: means over n replicates at every point."
    return Table(caption, head, tuple(rows), left=1 + max(1, len(names)), note=" ".join(note for note in notes if note))


def sweep_space(results: Results, view: SweepView) -> Table:
    """The varied and the fixed hyperparameters of a view of a sweep."""
    study, best = results.study.views[view.name], sweeps.best(results, view)
    held = sweeps.held(view)
    rows = []
    for name, parameter in study.space.items():
        if name in view.swept:
            value = numbers.MISSING if best is None else numbers.hyperparameter(view.points[best].get(name))
            rows.append((name, sweeps.tried(results, view, name), _scale(parameter), value))
        else:
            value = numbers.hyperparameter(held[name]) if name in held else numbers.MISSING
            rows.append((name, "one value", "", value))
    rows += [(name, "fixed", "", numbers.hyperparameter(value)) for name, value in study.fixed.items()]
    caption = f"View {long_name(results, view.name)}: what is swept, and the point with the best mean."
    return Table(caption, ("hyperparameter", "values", "scale", "best point"), tuple(rows), left=3, note=study.note.strip())


def _range(parameter: FloatParameter | IntParameter | ChoiceParameter) -> str:
    if isinstance(parameter, ChoiceParameter):
        text = ", ".join(numbers.hyperparameter(value) for value in parameter.values)
    else:
        text = f"{numbers.hyperparameter(parameter.low)} to {numbers.hyperparameter(parameter.high)}"
    held = (f"{name} {' or '.join(numbers.hyperparameters(values))}" for name, values in conditions(parameter).items())
    return f"{text}; when {' and '.join(held)}" if parameter.when else text


def _scale(parameter: FloatParameter | IntParameter | ChoiceParameter) -> str:
    if isinstance(parameter, ChoiceParameter):
        return "ordered choice" if parameter.ordered else "choice"
    if parameter.step is not None:
        return f"{parameter.type}, step {numbers.hyperparameter(parameter.step)}"
    return f"{parameter.type}, {'log' if parameter.log else 'linear'}"
