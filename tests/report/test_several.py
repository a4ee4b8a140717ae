"""Several studies in one report: the common scale, what stands together, and the document."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from hpstudy.analysis.cross_study import several
from hpstudy.analysis.curves.anytime import Scale, progress
from hpstudy.errors import UsageError
from hpstudy.report import joint_endpoints, style
from hpstudy.report import several as report
from hpstudy.report.charts import several as charts
from hpstudy.report.charts.marks import Dots, Line
from hpstudy.report.html import compile_html
from hpstudy.report.model import Paragraph
from hpstudy.report.pdf import compile_pdf
from hpstudy.report.pens import matplotlib as pen
from tests.analysis.test_joint_endpoints import joint

# First trials 0, 2 and 1, 3: their median is 1.5. The best value of all is 5.
A = [[0.0, 4.0, 3.0], [2.0, 1.0, 3.0]]
B = [[1.0, 2.0, 2.0], [3.0, 0.0, 5.0]]


def called(name):
    """The name of a study, and a seed of its own."""
    return {"name": name, "seed": sum(map(ord, name))}


@pytest.fixture
def two(make_results):
    def make(**other):
        first = make_results({"a": np.array(A), "b": np.array(B)}, analysis={"target": {"value": 4}}, study=called("one"))
        changed = {"analysis": {"target": {"value": 4}}, **other}
        changed["study"] = {**called("two"), **changed.get("study", {})}
        return [first, make_results({"a": 10 * np.array(B), "b": 10 * np.array(A)}, **changed)]

    return make


def test_the_median_first_trial_is_0_and_the_best_value_1(two):
    assert several(two()).scales == (Scale(1.5, 5.0), Scale(15.0, 50.0))
    assert progress(np.array([1.5, 5.0, 3.25]), Scale(1.5, 5.0)).tolist() == [0, 1, 0.5]


def test_the_scale_of_a_minimized_metric_ends_at_its_lowest_value(make_results):
    down = [make_results({"a": -np.array(A), "b": -np.array(B)}, goal="minimize", study=called(name)) for name in ("one", "two")]
    assert several(down).scales[0] == Scale(-1.5, -5.0)
    up = [make_results({"a": np.array(A), "b": np.array(B)}, study=called(name)) for name in ("one", "two")]
    assert several(down).pairs[0].score_together.mean == pytest.approx(several(up).pairs[0].score_together.mean)


def test_a_score_does_not_depend_on_the_units_of_the_metric(two):
    found = several(two())
    (pair,) = found.pairs
    # Finals of a: 4 and 3, of b: 2 and 5; their difference 2 and -2, so 0 on average; in the second study the views change places.
    assert [estimate.mean for estimate in pair.score] == pytest.approx([0, 0])
    one, two_ = (view.mean.tolist() for view in found.views[::3])
    assert one == pytest.approx(two_)


def test_studies_weigh_equally_whatever_their_replicates(make_results):
    wide = [make_results({"a": np.array(A)[[0] * n], "b": np.array(B)[[0] * n]}, study=called(f"n{n}")) for n in (2, 7)]
    other = make_results({"a": np.array(A)[[1] * 2], "b": np.array(B)[[1] * 2]}, study=called("other"))
    few, many = (several([study, other]).pairs[0].score_together.mean for study in wide)
    assert few == pytest.approx(many)


def late_and_soon(make_results, name, trials, late, *, swap=False):
    """A study in which the searches of a view reach the target at the trials `late`, and those of the other at the first."""
    views = [(np.arange(1, trials + 1) >= np.array(late)[:, None]).astype(float), np.ones((len(late), trials))]
    named = dict(zip("ba" if swap else "ab", views, strict=True))
    return make_results({view: named[view] for view in "ab"}, analysis={"target": {"value": 1}}, study=called(name))


@pytest.mark.parametrize("sign", [1, -1])
def test_trials_to_target_are_restricted_to_the_smallest_budget(make_results, sign):
    sizes = (("long", 9, [9, 9, 4]), ("short", 4, [4, 4, 4]))
    (pair,) = several([late_and_soon(make_results, *size, swap=sign < 0) for size in sizes]).pairs
    assert [estimate.mean for estimate in pair.trials] == [3 * sign, 3 * sign]
    assert pair.trials_together.mean == 3 * sign


@pytest.mark.parametrize("swap", [False, True])
def test_there_is_no_mean_of_trials_if_a_view_of_a_study_never_reaches_the_target_within_the_smallest_budget(make_results, swap):
    sizes = (("long", 9, [9, 9, 5]), ("short", 4, [4, 4, 4]))
    (pair,) = several([late_and_soon(make_results, *size, swap=swap) for size in sizes]).pairs
    assert (pair.trials[0], pair.trials_together) == (None, None)
    assert abs(pair.trials[1].mean) == 3


def test_the_interval_of_all_studies_is_expanded_for_the_study_with_the_fewest_replicates(make_results):
    """Nearly all variance is that of the study with 30 replicates, so the width shows the quantile that is used."""
    rng = np.random.default_rng(1)
    wide = {view: np.sort(rng.normal(size=(30, 5)), axis=1) for view in "ab"}
    narrow = {view: np.tile([0.0, 1.0], (4, 1)) + rng.normal(0, 1e-3, size=(4, 2)) for view in "ab"}
    pair = several([make_results(wide, study=called("wide")), make_results(narrow, study=called("narrow"))]).pairs[0]
    half = (pair.score_together.high - pair.score_together.low) / 2
    error = (pair.score[0].high - pair.score[0].low) / 2 / stats.t.ppf(0.975, 29) / 2
    assert half / error > 2.7  # 2.1 with the quantile of 30 replicates


def test_the_interval_of_all_studies_is_that_of_the_mean_of_independent_means(make_results):
    rng = np.random.default_rng(0)
    studies = []
    for name in ("one", "two"):
        values = {view: np.sort(rng.normal(size=(20, 5)), axis=1) for view in "ab"}
        studies.append(make_results(values, study=called(name)))
    pair = several(studies).pairs[0]
    half = [(estimate.high - estimate.low) / 2 for estimate in pair.score]
    together = (pair.score_together.high - pair.score_together.low) / 2
    assert together == pytest.approx(np.hypot(*half) / 2, rel=0.15)


def test_comparisons_that_not_all_studies_have_are_left_out(make_results, two):
    three = make_results({"a": np.array(A), "b": np.array(B), "c": np.array(B)}, study=called("three"))
    assert [(pair.a, pair.b) for pair in several([three, two()[0]]).pairs] == [("a", "b")]


def test_studies_without_a_common_comparison_are_refused(make_results, two):
    with pytest.raises(UsageError, match="no comparison in common"):
        several([two()[0], make_results({"c": np.array(A), "d": np.array(B)}, study=called("three"))])


def test_the_same_study_twice_is_refused(two):
    with pytest.raises(UsageError, match="is given twice"):
        several([two()[0], two()[0]])


def test_studies_with_the_same_seed_task_and_data_are_refused(make_results):
    def study(name, seed=3, identity=None, **task):
        settings = {"name": name, "seed": seed, **({"task": task} if task else {})}
        return make_results({"a": np.array(A), "b": np.array(B)}, study=settings, identity=identity or {})

    first = study("first")
    for other in (study("copy"), study("new_code", identity={"source of my.py": "1"})):
        with pytest.raises(UsageError, match=r"^first and (copy|new_code) have the same seed, task and data, ") as refused:
            several([study("apart", 4), first, other])
        assert refused.value.hint == "report each of them alone, or run one of them with another seed"
    for other in (study("seed", seed=4), study("task", use="hartmann6"), study("data", identity={"features of x": "1"})):
        assert several([first, other]).pairs


def test_studies_with_different_levels_of_confidence_are_refused(two):
    with pytest.raises(UsageError, match=r"^the intervals of these studies have different levels: one 0\.95, two 0\.9"):
        several(two(analysis={"target": {"value": 4}, "confidence": 0.9}))


def test_the_methods_name_the_level_of_the_tests():
    with style.applied():
        made = report.document(several(joint(plateaus=PLATEAUS, views=("a", "b", "c"), compare=[["a", "b"]], confidence=0.9)))
    text = next(section for section in made.sections if section.title == "Methods").blocks[0].text
    assert text.endswith("corrected by Holm within the primary or within the other endpoints, is below 0.1.")


def test_a_study_without_values_is_refused(make_results, two):
    empty = make_results({"a": np.full((2, 3), np.nan), "b": np.full((2, 3), np.nan)}, study=called("empty"))
    with pytest.raises(UsageError, match="empty has no value yet"):
        several([two()[0], empty])


def test_the_report_of_several_studies_has_every_number_in_a_table(two):
    found = several(two(study={"question": "$x$ #panic() <b>"}))
    with style.applied():
        made = report.document(found)
        assert compile_pdf(made).startswith(b"%PDF")
        assert compile_html(made).count(b'class="interactive"') == 3
    rows = [list(row) for row in made.tables["studies_compared"]()]
    assert rows[0] == ["a", "b", "study", "quantity", "pairs", "mean", "low", "high"]
    assert [row[2] for row in rows[1:]] == ["one", "two", "all together"] * 2
    assert report.headline(found).startswith("a minus b, mean of 2 studies with 95% CI: trials-to-target")


@pytest.mark.parametrize(
    ("questions", "joined"),
    [
        (("Which is easier", "Which is faster?"), "Which is easier? Which is faster?"),
        (("Compare both. ", "So? (a try-out)"), "Compare both. So? (a try-out)"),
        (("The same", "The same"), "The same?"),
        (("", "One"), "One?"),
        (("One", "", "Three"), "One? Three?"),
        (("", ""), ""),
    ],
)
def test_each_question_ends_with_a_mark_before_the_next_one(make_results, questions, joined):
    studies = [
        make_results({"a": np.array(A), "b": np.array(B)}, study={**called(f"study_{number}"), "question": question})
        for number, question in enumerate(questions)
    ]
    with style.applied():
        assert report.document(several(studies)).question == joined


def test_rendering_again_gives_the_same_bytes(two):
    def render():
        with style.applied():
            return compile_pdf(report.document(several(two())))

    assert render() == render()


def test_the_figures_draw_what_the_files_hold(two):
    found = several(two())
    chart = charts.differences(found)
    (data,) = chart.data
    head, *rows = (tuple(row) for row in data.rows())
    marks = [mark for panel in chart.panels for mark in panel.marks]
    assert [mark.x.tolist() for mark in marks if isinstance(mark, Dots)] == [[row[head.index("mean")]] for row in rows]
    ends = [mark.x.tolist() for mark in marks if isinstance(mark, Line)]
    assert ends == [list(row[head.index("low") :]) for row in rows]
    assert [mark.marker.symbol for mark in marks if isinstance(mark, Dots)] == ["circle", "circle", "diamond"] * 2
    assert chart.panels[0].y.texts == ("one", "two", "all together")
    assert marks[2].hover.texts[0].startswith("a − b, one\nnormalized final best 0\n95% CI ")
    curves = charts.curves(found)
    (data,) = curves.data
    drawn = [y for panel in curves.panels for mark in panel.marks for y in mark.y.tolist()]
    assert drawn == [row[3] for row in list(map(tuple, data.rows()))[1:]]
    assert [panel.title for panel in curves.panels] == ["one", "two"]
    assert [entry.name for entry in curves.legend] == ["a", "b"]


def test_a_study_without_a_target_has_no_row_of_trials(two):
    first, second = two()
    second = dataclasses.replace(second, pairs=tuple(dataclasses.replace(pair, trials=None) for pair in second.pairs))
    scores, trials = charts.differences(several([first, second])).panels
    assert [sum(isinstance(mark, Dots) for mark in panel.marks) for panel in (scores, trials)] == [3, 1]


@pytest.fixture(scope="module")
def declared():
    return several(joint(views=("a", "b", "c"), compare=[["a", "b"], ["a", "c"]], plateaus=PLATEAUS))


PLATEAUS = {"values": {"a": 1, "b": 1, "c": 1}, "source": "a pilot"}


def test_declared_endpoints_are_the_answer_and_observed_values_come_after(declared):
    with style.applied():
        made = report.document(declared)
    assert [section.title for section in made.sections] == [
        "Answer",
        "Best observed values",
        "Ranks of the views",
        "Methods",
        "Identity",
    ]
    answers = [block.text for block in made.sections[0].blocks if isinstance(block, Paragraph)]
    assert answers.pop(0).startswith("Confirmed value: the mean of the best point of a search so far on fresh seeds. Plateau: ")
    assert len(answers) == 5
    assert answers[0].startswith(
        "Mean confirmed regret to the view's own plateau, on the common scale, mean of 2 studies. b is closer to its own plateau than a: "
        "a minus b 0."
    )
    assert "c reaches its plateau in fewer trials than a: a minus c " in answers[2]
    assert "No difference shown: a minus b " in answers[3]
    assert answers[0].count("; Holm p < 0.001).") == 2
    assert not any(block.strong for block in made.sections[1].blocks if isinstance(block, Paragraph))


def test_the_headline_and_the_json_file_have_the_declared_endpoints(declared):
    body = report.body(declared)
    assert body["headline"].count("mean of 2 studies.") == 2  # the primary endpoints
    assert [one["endpoint"]["use"] for one in body["endpoints"][::2]] == [
        "confirmed_regret",
        "confirmed_regret",
        "trials_to_within",
        "final",
        "trials_to_target",
    ]
    assert body["endpoints"][0]["together"]["n"] == 18


def test_every_endpoint_is_in_the_table_the_figure_and_the_file(declared):
    table = joint_endpoints.table(declared)
    assert table.head == ("endpoint", "A − B", "one", "two", "together", "95% CI", "Holm p")
    assert len(table.rows) == 5 * 2
    chart = charts.endpoints(declared)
    assert [panel.x.label for panel in chart.panels] == [
        "difference of regret, own plateau",
        "difference of regret, best plateau",
        "difference of trials to own plateau",
        "difference of final confirmed value",
        "difference of trials to the target",
    ]
    (data,) = chart.data
    head, *rows = (tuple(row) for row in data.rows())
    drawn = [mark.x.tolist() for panel in chart.panels for mark in panel.marks if isinstance(mark, Dots)]
    assert drawn == [[row[head.index("difference")]] for row in rows]
    assert len(rows) == 5 * 2 * 3


@pytest.mark.parametrize("studies", [2, 3, 6])
def test_every_study_has_its_name_at_its_row(declared, studies):
    names = [f"study_{number}" for number in range(studies)]
    given = [
        dataclasses.replace(declared.studies[0], study=declared.studies[0].study.model_copy(update={"name": name}))
        for name in names
    ]
    endpoints = [
        dataclasses.replace(one, studies=one.studies[:1] * studies, reached=one.reached[:1] * studies, b="b", a="a")
        for one in declared.endpoints[::2]
    ]
    several_studies = dataclasses.replace(declared, studies=tuple(given), endpoints=tuple(endpoints), pairs=declared.pairs[:1])
    with style.applied():
        axes = pen.figure(charts.endpoints(several_studies)).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == [*names, "all together"]


def test_endpoints_of_an_incomplete_study_have_no_verdict():
    first, second = joint(plateaus=PLATEAUS, views=("a", "b", "c"), compare=[["a", "b"]])
    view = dataclasses.replace(first.views[0], completeness=dataclasses.replace(first.views[0].completeness, complete=7))
    part = several([dataclasses.replace(first, views=(view, *first.views[1:])), second])
    assert report.headline(part).startswith(
        "PROVISIONAL: Mean confirmed regret to the view's own plateau, on the common scale, mean of 2 studies. a minus"
    )
    assert "closer" not in report.headline(part)


def test_studies_that_show_opposite_differences_are_said_to_disagree(declared):
    turned = [dataclasses.replace(one, alone=("a", "b")) for one in declared.endpoints]
    text = report.headline(dataclasses.replace(declared, endpoints=tuple(turned)))
    assert text.count(" The studies disagree: a is better in one, b is better in two.") == 4
    assert "disagree" not in report.headline(declared)
    one_sided = [dataclasses.replace(one, alone=("", "b")) for one in declared.endpoints]
    assert "disagree" not in report.headline(dataclasses.replace(declared, endpoints=tuple(one_sided)))
    assert [one.alone for one in declared.endpoints[:1]] == [("b", "b")]


def test_a_bound_is_no_part_of_a_mean_of_studies():
    never = {"values": {"a": 9, "b": 1}, "source": "a pilot"}
    within = [{"use": "trials_to_within", "deltas": [0.3]}]
    found = several(joint(plateaus=never, endpoints=within))
    assert report.headline(found) == (
        "Trials to a confirmed value within 0.3 of the view's own plateau, mean of 2 studies. a minus b: no mean, since in at least one "
        "study no search of a view reaches its plateau."
    )
    (row,) = joint_endpoints.table(found).rows
    assert row[2].startswith("≥ ")
    assert row[4:] == ("–", "–", "–")
    (panel,) = charts.endpoints(found).panels
    assert not [mark for mark in panel.marks if isinstance(mark, Dots)]


def test_a_report_with_endpoints_is_typeset(declared):
    with style.applied():
        assert compile_pdf(report.document(declared)).startswith(b"%PDF")


def test_a_target_that_a_view_never_reaches_has_no_difference_in_trials(make_results):
    studies = [
        make_results({"a": np.array(A), "b": np.array(B)}, analysis={"target": {"value": level}}, study=called(name))
        for name, level in (("one", 4), ("two", 4.5))
    ]
    (pair,) = several(studies).pairs
    assert [estimate is None for estimate in pair.trials] == [False, True]
    assert pair.trials_together is None
