"""A report of one view does not speak of comparisons, and one of two views does."""

import pytest

from hpstudy.analysis import analyze
from hpstudy.report import headline
from hpstudy.report.chapters import citation, methods
from hpstudy.report.chapters.searchers import chapter as searchers
from hpstudy.report.charts.model import Chart
from hpstudy.report.model import Paragraph, References, Table
from tests.report.test_endpoints_chapter import make
from tests.report.test_one_replicate import study
from tests.support.reports import document_of

OF_COMPARISONS = (
    "in all views",
    "common to all views",
    "with all its views",
    "across views",
    "paired in differences",
    "Paired differences have",
    "sign-flip",
    "Holm",
    "The simultaneous band",
    "The horizontal distance",
    "the differences are in the table",
    "complete in both views",
    "We compared",
    "Figure 8",
    "Hodges",
    "Montiel",
    "Welch",
)
"""Words of a report of two views that are false or empty in a report of one."""


def texts_of(results):
    """All sentences of a report."""
    document, texts = document_of(results), []
    for block in (block for section in document.sections for block in section.blocks):
        if isinstance(block, Paragraph):
            texts.append(block.text)
        elif isinstance(block, Table):
            texts += [block.caption, block.note]
        elif isinstance(block, Chart):
            texts += [block.caption, block.reading]
        elif isinstance(block, References):
            texts += block.items
    return " ".join([document.provisional, *texts])


@pytest.fixture(scope="module")
def reports():
    """Texts of complete and of incomplete reports of one and of two views, by number of views."""
    found = {}
    for views in ("a", "ab"):
        made = make(views=tuple(views))
        states = {"a": [["completed"] * 10] * 7 + [["completed"] * 5 + ["missing"] * 5]}
        results = [analyze(made, thorough=True), analyze(type(made)(made.study, made.values, states, fresh=made.fresh))]
        found[len(views)] = " ".join(map(texts_of, results))
    return found


@pytest.mark.parametrize("words", OF_COMPARISONS)
def test_only_a_report_of_two_views_speaks_of_their_comparison(reports, words):
    assert words in reports[2]
    assert words not in reports[1]


def test_the_tests_of_controls_are_named_also_for_one_view():
    text = " ".join(methods.methods(analyze(study(6, "a", others=["random", "default"]))))
    assert "Its p is adjusted (Holm) over the views, for each control. A difference is shown" in text
    both = " ".join(methods.methods(analyze(study(6, "ab", others=["random"]))))
    assert (
        "over all comparisons and budgets, and that of trials-to-target over all comparisons, that of each control over the views."
        in both
    )


def test_the_answer_of_one_view_is_its_mean(make_results, ramps):
    found = make_results({"a": ramps()})
    assert headline(found) == (
        "This study has one view, a, so nothing is compared. "
        "The best score after all 10 trials has the mean 10.019 (95% CI 9.937 to 10.093) over 6 searches."
    )


def test_an_only_view_with_other_searchers_has_no_comparison_that_could_depend_on_them():
    (section,) = searchers(analyze(study(6, "a", others=["tpe"])))
    verdict, chart = (next(block for block in section.blocks if isinstance(block, kind)) for kind in (Paragraph, Chart))
    assert verdict.text == "The study has one view, so no comparison can depend on the searcher."
    assert "from one panel to another" not in chart.reading


def test_the_citation_names_values_on_fresh_seeds_only_for_endpoints_that_use_them():
    def cited(*endpoints):
        return citation._paragraph(analyze(make(endpoints=[{"use": use} for use in endpoints])))

    assert "Primary endpoints, from the means of incumbents on fresh seeds: final." in cited("final", "trials_to_target")
    assert "Primary endpoints: trials to target." in cited("trials_to_target", "final")
