import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpstudy.search.encoding import MAX_CELLS, Encoding
from hpstudy.study.space import Space
from hpstudy.testing.searchers import SPACES


def of(**parameter):
    return Encoding(Space.model_validate({"p": parameter}))


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@given(data=st.data())
def test_decoding_an_encoded_point_gives_the_point(space, data):
    unit = data.draw(st.lists(st.floats(0, 1), min_size=len(space), max_size=len(space)))
    point, encoding = space.from_unit(unit), Encoding(space)
    again = encoding.decode(encoding.encode(point))
    assert again == {
        name: pytest.approx(value, rel=1e-12) if isinstance(value, float) else value for name, value in point.items()
    }


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
@given(data=st.data())
def test_every_coordinate_even_just_outside_decodes_to_an_admitted_point(space, data):
    encoding = Encoding(space)
    coordinates = data.draw(st.lists(st.floats(-1e-6, 1 + 1e-6), min_size=encoding.width, max_size=encoding.width))
    assert Space(space.root).admits(encoding.decode(coordinates))  # constraints are not the encoding's


@pytest.mark.parametrize(
    "encoding",
    [
        of(type="int", low=1, high=7),
        of(type="int", low=1, high=7, log=True),
        of(type="int", low=1, high=16, step=3),
        of(type="float", low=-0.3, high=0.6, step=0.1),
        of(type="choice", values=[8, 16, 32, 64], ordered=True),
        of(type="choice", values=["no", "yes"]),
    ],
    ids=["int", "log int", "int with steps", "float with steps", "ordered choice", "two values"],
)
def test_the_cells_are_those_that_decode_to_one_value(encoding):
    (cells,) = encoding.cells
    edges = [0.0, *cells.borders, 1.0]
    inside = [[edges[i] + share * (edges[i + 1] - edges[i]) for share in (0.001, 0.5, 0.999)] for i in range(len(edges) - 1)]
    values = [{encoding.decode([u])["p"] for u in units} for units in inside]
    assert [len(cell) for cell in values] == [1] * len(values)
    assert len(set.union(*values)) == len(cells.centers)


@pytest.mark.parametrize(
    "kind",
    [
        {"type": "int", "low": 1, "high": 7, "log": True},
        {"type": "float", "low": 0, "high": 1, "step": 0.1},
        {"type": "choice", "values": ["a", "b"]},
    ],
)
def test_every_center_lies_in_its_own_cell(kind):
    (cells,) = of(**kind).cells
    assert np.array_equal(np.searchsorted(cells.borders, cells.centers, side="right"), np.arange(len(cells.centers)))


def test_two_values_are_as_far_apart_as_the_ends_of_a_range():
    (cells,) = of(type="choice", values=["a", "b"]).cells
    assert cells.centers.tolist() == [0.0, 1.0]


def test_three_unordered_values_are_one_hot():
    encoding = of(type="choice", values=["a", "b", "c"])
    assert encoding.encode({"p": "b"}) == [0.0, 1.0, 0.0]


def test_a_one_hot_group_decodes_to_its_largest_coordinate():
    assert of(type="choice", values=["a", "b", "c"]).decode([0.3, 0.1, 0.6]) == {"p": "c"}


def test_a_bool_stays_a_bool():
    assert of(type="choice", values=[True, False]).decode([0.9])["p"] is False


def test_a_very_wide_range_of_whole_numbers_has_no_cells():
    assert of(type="int", low=0, high=MAX_CELLS).cells == []
