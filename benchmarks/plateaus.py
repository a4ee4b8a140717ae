"""Sensitivity of the main studies to their declared plateaus, from the committed databases.

    python benchmarks/plateaus.py

prints numbers of docs/reference/results.md: the standard errors of the plateaus over the seeds of the pilot, the differences of trials to
within 0.01 with other plateaus, their intervals if seeds and replicates are resampled together, and the default point of the filter view
on fresh seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

import hpstudy
from hpstudy.analysis import analyze
from hpstudy.analysis.arrays import Floats
from hpstudy.analysis.confirmed.measure import EndpointInputs, endpoint_values
from hpstudy.analysis.statistics.student import t_mean
from hpstudy.goal import Goal
from hpstudy.study.declaration import Endpoint

REPORTS = Path(__file__).parents[1] / "reports"
STUDIES = {"synthesized speech": "audio", "recordings (FSDD)": "audio_fsdd"}
ENDPOINT, DELTA = Endpoint(use="trials_to_within", deltas=(0.01,)), 0.01
CHOSEN, RESAMPLES = 3, 10_000
VIEWS = ("latent", "filter", "filter_same_support")


def trials(curves: Mapping[str, Floats], plateaus: Mapping[str, float]) -> dict[str, Floats]:
    """(replicates,) trials to within DELTA of the plateau, of every view."""
    inputs = EndpointInputs(Goal.MAXIMIZE, curves, dict(plateaus))
    return {view: of_view.values for view, of_view in endpoint_values(ENDPOINT, DELTA, inputs).items()}


def pilot(name: str) -> Floats:
    """(seeds,) mean value of the points that define a plateau."""
    with hpstudy.open(REPORTS / f"{name}.sqlite") as reader:
        table = reader.trials()
    values = table.pivot(index="replicate", columns="number", values="objective").to_numpy()
    return np.asarray(values[:, :CHOSEN].mean(axis=1))


def default_point(name: str) -> Floats:
    """(seeds,) value of the default point of the filter view on fresh seeds."""
    with hpstudy.open(REPORTS / f"{name}.sqlite") as reader:
        rows = reader.confirmations()
    return np.asarray(rows[(rows["view"] == "filter") & rows["replicate"].isna()]["objective"], dtype=np.float64)


def error(values: Floats) -> float:
    """The standard error of the mean."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def difference(curves: Mapping[str, Floats], plateaus: Mapping[str, float], other: str) -> str:
    """Trials of latent minus those of another view, with 95% and 90% intervals."""
    of = trials(curves, plateaus)
    wide, narrow = (t_mean(of["latent"] - of[other], level) for level in (0.95, 0.9))
    return f"{wide.value:.1f} (95% {wide.low:.1f} to {wide.high:.1f}; 90% {narrow.low:.1f} to {narrow.high:.1f})"


def report(title: str, name: str, rng: np.random.Generator) -> None:
    with hpstudy.open(REPORTS / f"{name}-large.sqlite") as reader:
        results = analyze(reader)
    assert results.study.analysis.plateaus is not None
    declared = results.study.analysis.plateaus.values
    curves = {curve.view: curve.scored for curve in results.confirmed}
    of_seeds = {view: pilot(f"{name}_plateau_{view}") for view in ("latent", "filter")}
    of_seeds["filter_same_support"] = of_seeds["filter"]
    print(
        f"\n{title}: plateaus {', '.join(f'{view} {declared[view]} (standard error {error(of_seeds[view]):.4f})' for view in VIEWS)}"
    )
    errors = {view: error(of_seeds[view]) for view in VIEWS}
    shifts = {
        "as declared": (0, 0),
        "filter - 2 SE": (0, -2),
        "filter + 2 SE": (0, 2),
        "latent - 2 SE": (-2, 0),
        "latent + 2 SE": (2, 0),
    }
    shifted = {
        what: {view: declared[view] + (latent if view == "latent" else others) * errors[view] for view in VIEWS}
        for what, (latent, others) in shifts.items()
    }
    default, in_pilot = default_point(f"{name}-large"), default_point(name)
    shifted["filter at its default point"] = {
        view: declared[view] if view == "latent" else float(default.mean()) for view in VIEWS
    }
    for other in VIEWS[1:]:
        for what, plateaus in shifted.items():
            print(f"  latent minus {other}, plateaus {what}: {difference(curves, plateaus, other)}")
    resampled: dict[str, list[float]] = {other: [] for other in VIEWS[1:]}
    n = len(curves["latent"])
    for _ in range(RESAMPLES):
        rows = rng.integers(n, size=n)
        offsets = {
            view: rng.choice(of_seeds[view], len(of_seeds[view])).mean() - of_seeds[view].mean() for view in ("latent", "filter")
        }
        plateaus = {view: declared[view] + float(offsets["latent" if view == "latent" else "filter"]) for view in VIEWS}
        of = trials({view: curve[rows] for view, curve in curves.items()}, plateaus)
        for other, differences in resampled.items():
            differences.append(float((of["latent"] - of[other]).mean()))
    for other, differences in resampled.items():
        wide, narrow = (np.quantile(differences, ends) for ends in ((0.025, 0.975), (0.05, 0.95)))
        ends = f"95% {wide[0]:.1f} to {wide[1]:.1f}; 90% {narrow[0]:.1f} to {narrow[1]:.1f}"
        print(f"  latent minus {other}, seeds of the plateaus and replicates resampled: {ends}")
    for what, values in {"main study": default, "pilot": in_pilot, "both": np.concatenate([default, in_pilot])}.items():
        print(f"  default point of filter, {what}: {values.mean():.4f} (standard error {error(values):.4f}, {len(values)} seeds)")


def main() -> None:
    rng = np.random.default_rng(0)
    for title, name in STUDIES.items():
        report(title, name, rng)


if __name__ == "__main__":
    main()
