"""The cells of a column: floats that differ are written differently, and control characters are shown."""

from hpstudy.cli.output import column_cells


def test_floats_of_a_column_that_differ_are_written_differently():
    assert column_cells([1e12, 1e12 + 1, None]) == ["1000000000000", "1000000000001", "-"]
    assert column_cells([0.1234567, 0.5]) == ["0.123457", "0.5"]


def test_each_hyperparameter_of_points_is_a_column():
    points = [{"x": 1000.0001, "n": 3, "how": "a"}, {"x": 1000.0002, "n": 4, "how": "a"}]
    assert column_cells(points) == ["x=1000.0001  n=3  how=a", "x=1000.0002  n=4  how=a"]


def test_control_characters_are_escapes():
    assert column_cells(["\x1b[2Jlost\nline", {"note": "a\x07"}]) == [r"\x1b[2Jlost line", r"note=a\x07"]
