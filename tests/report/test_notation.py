import math

from hpstudy.report.model import grouped
from hpstudy.report.notation import Notation


def test_values_and_intervals_have_the_metrics_decimals(make_results, ramps):
    notation = Notation(make_results({"a": ramps() * 1e3}))
    assert notation.decimals == 0
    assert notation.cells(12.4, -3.2, 15.6) == ("12", "−3 to 16")
    assert notation.cells(12.4, math.nan, math.nan) == ("12", "–")
    assert notation.value(None) == "–"


def test_the_name_of_a_column_of_intervals_has_the_studys_level(make_results, ramps):
    notation = Notation(make_results({"a": ramps()}, analysis={"confidence": 0.9}))
    assert (notation.level, notation.ci) == ("90%", "90% CI")


def test_a_first_cell_is_shown_once_until_another_one_comes():
    rows = [("x", "1"), ("x", "2"), ("y", "3"), ("x", "4")]
    assert grouped(rows) == (("x", "1"), ("", "2"), ("y", "3"), ("x", "4"))
