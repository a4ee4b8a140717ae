"""Values that the task accepts one by one, but not together: OvSW's track_threshold must be below its track_rate."""

import pytest

from hpstudy.engine.forecast import forecast
from hpstudy.engine.requests import EvaluateRequest
from hpstudy.loading import joint
from hpstudy.loading.load import load_study, read_study

STUDY = """\
version: 1
name: ovsw
task: {use: audio_mlp}
metric: {name: val_accuracy, goal: maximize}
views:
  ovsw:
    method: ovsw
    space:
      track_threshold: {type: float, low: 1e-6, high: 1e-2, log: true, default: 1e-4}
      track_rate: {type: float, low: 1e-5, high: 1e-1, log: true, default: 1e-3}
replicates: 1
"""

SEARCH = STUDY + "search: {searcher: sobol, trials: 2}\n"
NARROW = SEARCH.replace("high: 1e-2", "high: 5e-4").replace("low: 1e-5", "low: 1e-3")
RULE = "track_threshold is {} and must be below track_rate"


def sweep(*points):
    listed = "".join(f"    - {{track_threshold: {threshold}, track_rate: {rate}}}\n" for threshold, rate in points)
    return f"{STUDY}search:\n  searcher: points\n  trials: {len(points)}\n  points:\n{listed}"


def test_a_search_whose_space_has_a_refused_corner_is_refused_with_that_corner(refused):
    (line,) = refused(SEARCH)
    assert line.startswith("toy.yaml:8: views.ovsw.space: a search may try points that the method refuses, such as ")
    assert "such as track_threshold 0.01, track_rate 1e-05: " + RULE.format(0.01) in line


def test_a_search_whose_default_point_is_refused_is_told_so(refused):
    (line,) = refused(SEARCH.replace("default: 1e-4", "default: 5e-3"))
    assert "at the default point: " + RULE.format(0.005) in line


def test_a_search_whose_corners_are_accepted_is_accepted(write):
    assert load_study(write(toy_yaml=NARROW)).name == "ovsw"


def test_a_sweep_of_accepted_points_is_accepted_whatever_the_corners_and_the_default_point_are(write):
    text = sweep((1e-4, 1e-3), (5e-3, 1e-2)).replace("default: 1e-4", "default: 5e-3")
    assert load_study(write(toy_yaml=text)).search.trials == 2


def test_a_grid_is_checked_at_its_points_too(write, refused):
    grid = STUDY + "search: {searcher: grid, trials: 2, values: {track_threshold: [1e-5, 1e-4], track_rate: [%s]}}\n"
    assert load_study(write(toy_yaml=grid % "1e-3")).search.trials == 2
    (line,) = refused(grid % "5e-5")
    assert "the sweep's point 2 is one that the method refuses: track_threshold 0.0001, track_rate 5e-05: " in line


def test_a_sweep_is_told_its_first_refused_point_and_how_many_there_are(refused):
    (line,) = refused(sweep((1e-4, 1e-3), (1e-3, 1e-4), (1e-2, 1e-4)))
    assert "the sweep's point 2 is one that the method refuses: track_threshold 0.001, track_rate 0.0001: " in line
    assert RULE.format(0.001) in line
    assert line.endswith("(2 of 3 points are refused)")


def test_a_sweep_whose_points_are_not_in_their_ranges_is_told_only_that(refused):
    (line,) = refused(sweep((1e-4, 1e-3), (1, 1e-4)))
    assert "search.points.1.track_threshold" in line


def test_corners_beyond_the_first_thousands_are_not_looked_at(write, monkeypatch):
    monkeypatch.setattr(joint, "MAX_CORNERS", 2)  # the refused corner is the third
    assert load_study(write(toy_yaml=SEARCH)).name == "ovsw"


@pytest.mark.parametrize(("text", "tried"), [(NARROW, 1e-4), (sweep((5e-3, 1e-2)), 5e-3)], ids=["search", "sweep"])
def test_a_pilot_tries_a_point_that_the_study_may_try(write, monkeypatch, tmp_path, text, tried):
    points = []

    class Noting:
        def submit(self, call, request):
            if isinstance(request, EvaluateRequest):
                points.append(request.trials[0].point["track_threshold"])
            return self

        def result(self):
            return self

        @property
        def outcomes(self):
            return (self,)

        duration_s = 1.0

        def close(self): ...

    monkeypatch.setattr("hpstudy.engine.forecast.InlineExecutor", Noting)
    monkeypatch.setattr("hpstudy.tasks.audio.AudioMLP.prepare", lambda self: None)
    forecast(read_study(write(toy_yaml=text)), tmp_path / "no.sqlite", workers=1, pilot=True)
    assert points == [tried] * 2
