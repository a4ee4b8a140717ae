"""Page 1 of the PDF of a main study is its whole answer."""

from pathlib import Path

import pytest

import hpstudy
from tests.support.reports import answers_of, ends_of

REPORTS = Path(__file__).parents[2] / "reports"

PAGE_END = 796
"""Height of the last line of a page, in points from its top."""

LINE = 13
"""Height of a line in points."""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["audio-large", "audio_fsdd-large"])
def test_the_whole_answer_is_on_page_1_with_two_lines_to_spare(name):
    results = hpstudy.analyze(REPORTS / f"{name}.sqlite")
    assert len(answers_of(results)) >= 8
    page, height = ends_of(results)["Answer"]
    assert page == 1
    assert height < PAGE_END - 2 * LINE


def test_the_end_of_a_section_is_where_its_last_paragraph_ends(results):
    ends = ends_of(results)
    assert ends["Answer"][0] == 1
    assert list(ends.values()) == sorted(ends.values())
