"""The surrogate compares points, not coordinates: what makes no difference to a point makes none to the kernel."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from hpstudy.search.encoding import Encoding
from hpstudy.search.snapping import Snapping
from hpstudy.study.space import Space
from hpstudy.testing.searchers import SPACES

ENCODING = Encoding(SPACES["conditional"])
SNAP = Snapping(ENCODING)
coordinates = st.lists(st.floats(0, 1), min_size=ENCODING.width, max_size=ENCODING.width)


@given(st.lists(coordinates, min_size=1, max_size=4))
def test_snapped_coordinates_are_those_of_the_encoded_point(rows):
    snapped = SNAP(torch.tensor(rows, dtype=torch.float64))
    encoded = SNAP(torch.tensor([ENCODING.encode(ENCODING.decode(row)) for row in rows], dtype=torch.float64))
    assert torch.allclose(snapped, encoded, rtol=0, atol=1e-12)


@given(coordinates)
def test_snapping_twice_is_snapping_once(row):
    once = SNAP(torch.tensor([row], dtype=torch.float64))
    assert torch.equal(SNAP(once), once)


def test_absent_coordinates_lie_in_the_middle_and_have_no_gradient():
    start = torch.tensor([[0.9, 0.1, 0.2, 0.3, 0.4, 1.0, 0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    snapped = SNAP(start)
    assert snapped[0].tolist() == [1, 0, 0, 0.5, 0.5, 1 / 3, 1 / 3, 1 / 3]
    snapped.sum().backward()
    assert start.grad[0, 3:].tolist() == [0] * 5


def test_a_present_coordinate_keeps_its_gradient():
    start = torch.tensor([[0.1, 0.9, 0.2, 0.3, 0.4, 1.0, 0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    SNAP(start)[0, 3].backward()
    assert start.grad[0].tolist() == [0, 0, 0, 1, 0, 0, 0, 0]


def test_the_border_of_two_cells_belongs_to_the_cell_that_it_decodes_to():
    values = ["a", "b", "c", "d"]
    space = Space.model_validate({"size": {"type": "choice", "values": values, "ordered": True}})
    encoding = Encoding(space)
    snap = Snapping(encoding)
    for border, value in zip((0.25, 0.5, 0.75), values[1:], strict=True):
        assert encoding.decode([border]) == {"size": value}
        edge, inside = torch.tensor([[border], encoding.encode({"size": value})], dtype=torch.float64)
        assert torch.equal(snap(edge), snap(inside))
