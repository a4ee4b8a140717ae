"""Ranks of three or more views: the sentence, the critical-difference diagram and performance profiles, of one study and of several."""

import numpy as np
import pytest

from hpstudy.analysis import analyze
from hpstudy.analysis.cross_study import several
from hpstudy.analysis.supplement.ranking import ranking
from hpstudy.report import csvs, style
from hpstudy.report import several as joint
from hpstudy.report.chapters.ranks import TABLES, chapter
from hpstudy.report.charts.marks import Labels, Line, Steps
from hpstudy.report.charts.model import Chart
from hpstudy.report.model import Paragraph
from hpstudy.report.pens import matplotlib as pen
from tests.support.sources import MemorySource

ANALYSIS = {"target": {"value": 5}}


@pytest.fixture
def make_ranked(make_results):
    def make(values, **settings):
        results = make_results(values, analysis=ANALYSIS, **settings)
        object.__setattr__(results, "ranking", ranking(results.views, results.endpoints))
        return results

    return make


@pytest.fixture
def three(ramps):
    """Each view needs two trials more than the one before it, and ends two lower, in 12 replicates."""
    return {"slow": ramps(4, 2, n=12), "quick": ramps(0, 0, n=12), "middle": ramps(2, 1, n=12)}


def blocks_of(results, kind):
    with style.applied():
        return [block for section in chapter(results) for block in section.blocks if isinstance(block, kind)]


def charts_of(results):
    return {chart.name: chart for chart in blocks_of(results, Chart)}


def test_two_views_and_a_quick_analysis_have_no_such_chapter(make_ranked, make_results, three):
    assert list(chapter(make_ranked({name: three[name] for name in ("slow", "quick")}))) == []
    assert list(chapter(make_results(three, analysis=ANALYSIS))) == []


def test_views_that_differ_are_ranked_and_drawn(make_ranked, three):
    results = make_ranked(three)
    text, scope = (block.text for block in blocks_of(results, Paragraph))
    assert text.startswith("Mean ranks of the final best score over 12 replicates, 3 views in each: the views differ (")
    assert text.endswith("by Nemenyi's critical difference quick ranks better than middle, slow.")
    assert "replicates of one task" in scope
    (panel,) = charts_of(results)["critical_difference"].panels
    texts = [mark.texts[0] for mark in panel.marks if isinstance(mark, Labels)]
    assert texts == ["quick 1.00", "middle 2.00", "slow 3.00", "critical difference 0.96"]
    assert [mark.x[0] for mark in panel.marks if isinstance(mark, Line) and len(mark.x) == 3] == [1.0, 2.0, 3.0]
    assert not [mark for mark in panel.marks if isinstance(mark, Line) and mark.width == 3.0]


def test_a_bar_joins_views_that_are_not_shown_to_differ(make_ranked, three, ramps):
    (panel,) = charts_of(make_ranked({**three, "also": ramps(2, 5, n=12)}))["critical_difference"].panels
    bars = [mark for mark in panel.marks if isinstance(mark, Line) and mark.width == 3.0]
    assert [(bar.x[0] < 2.5, bar.x[1] > 2.5) for bar in bars] == [(True, True)]


def test_no_diagram_is_drawn_where_no_difference_is_shown(make_ranked, ramps):
    results = make_ranked({name: ramps(0, seed, n=6) for seed, name in enumerate("abc")})
    assert "critical_difference" not in charts_of(results)
    assert ": no difference shown (Friedman's test by permutation: p = " in blocks_of(results, Paragraph)[0].text


def test_there_is_no_verdict_before_the_study_is_complete(make_ranked, three):
    results = make_ranked(three)
    states = np.full(three["slow"].shape, "completed", dtype=object)
    states[0, 5:] = "missing"
    partly = MemorySource(results.study, three, {"slow": states})
    found = analyze(partly, thorough=True)
    assert blocks_of(found, Paragraph)[0].text.endswith(
        "11 replicates, 3 views in each: not judged before the study is complete."
    )


def test_profiles_begin_with_the_share_of_replicates_in_which_a_view_is_the_quickest(make_ranked, three):
    (panel,) = charts_of(make_ranked(three))["performance_profiles"].panels
    slow, quick, middle = (mark for mark in panel.marks if isinstance(mark, Steps))
    assert [line.y[0] for line in (slow, quick, middle)] == [0, 1, 0]
    assert slow.y[-1] == pytest.approx(np.mean(three["slow"][:, -1] >= 5))


def test_no_profile_is_drawn_where_no_view_reaches_the_target(make_ranked, three):
    assert "performance_profiles" not in charts_of(make_ranked({name: of - 20 for name, of in three.items()}))


def test_the_data_of_both_figures_are_files(make_ranked, three):
    rows = {table.__name__: csvs.text(table(make_ranked(three))).splitlines() for table in TABLES}
    assert rows["mean_ranks_of_views"][0] == "view,mean_rank,replicates,friedman_p,critical_difference"
    assert [line.split(",")[0] for line in rows["mean_ranks_of_views"][1:]] == ["quick", "middle", "slow"]
    assert rows["performance_profiles"][0] == "view,ratio,share,problems"


def test_both_figures_can_be_drawn(make_ranked, three):
    with style.applied():
        for chart in charts_of(make_ranked({**three, "a-view-with-a-very-long-name-of-its-own": three["slow"] - 0.1})).values():
            pen.figure(chart)


def test_several_studies_are_ranked_over_studies(make_ranked, three):
    studies = [make_ranked(three, study={"name": f"task{number}", "seed": number}) for number in range(5)]
    with style.applied():
        made = joint.document(several(studies))
    (section,) = (section for section in made.sections if section.title == "Ranks of the views")
    texts = [block.text for block in section.blocks if isinstance(block, Paragraph)]
    assert texts[0].startswith("Mean ranks of the normalized final best over 5 studies, 3 views in each: the views differ")
    assert texts[1].endswith("With few studies, the test has little power.")
    assert [block.name for block in section.blocks if isinstance(block, Chart)] == ["critical_difference", "performance_profiles"]
    rows = {name: list(made.tables[name]()) for name in ("mean_ranks_of_views", "performance_profiles")}
    assert rows["mean_ranks_of_views"][1][:3] == ("quick", 1.0, 5)
    assert rows["performance_profiles"][1][3] == 5 * 12


def test_two_views_in_several_studies_have_profiles_and_no_ranks(make_ranked, three):
    studies = [
        make_ranked({name: three[name] for name in ("slow", "quick")}, study={"name": name, "seed": len(name) * ord(name[0])})
        for name in ("one", "two")
    ]
    with style.applied():
        made = joint.document(several(studies))
    assert "performance_profiles" in made.tables
    assert "mean_ranks_of_views" not in made.tables
