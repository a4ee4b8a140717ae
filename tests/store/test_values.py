import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpstudy.store.decoders import json_object
from hpstudy.store.decoders import point as point_of
from hpstudy.store.values import (
    KINDS,
    clean_text,
    decode,
    encode,
    encode_detail,
    encode_point,
    seconds_since,
    utc_now,
)

ANY_FLOAT = st.floats(width=64)
VALUES = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text())


def bits(number: float) -> bytes:
    return b"nan" if number != number else struct.pack(">d", number)


@given(ANY_FLOAT)
def test_every_number_comes_back_with_its_bits(number):
    assert bits(decode(*encode(number))) == bits(number)


@given(ANY_FLOAT)
def test_every_number_has_a_known_kind(number):
    assert encode(number)[1] in KINDS


def test_an_integer_is_kept_as_a_float():
    assert encode(3) == (3.0, "finite")


@given(st.dictionaries(st.text(), VALUES))
def test_every_point_comes_back_with_its_values_and_types(point):
    again = point_of(encode_point(point))
    assert [(name, type(value), value) for name, value in again.items()] == [
        (name, type(value), value) for name, value in point.items()
    ]


def test_one_in_four_types_is_four_points():
    assert len({encode_point({"x": value}) for value in (1, 1.0, True, "1")}) == 4


def test_a_numpy_scalar_in_a_point_is_kept_as_a_plain_number():
    assert point_of(encode_point({"x": np.int64(3), "y": np.float32(0.1)})) == {"x": 3, "y": float(np.float32(0.1))}


def test_a_point_refuses_what_no_space_admits():
    with pytest.raises(TypeError, match="not set"):
        encode_point({"x": {1, 2}})


def test_text_with_stray_surrogates_becomes_valid_unicode():
    assert clean_text("bad \ud800 name") == "bad \\ud800 name"


def test_a_stray_surrogate_in_a_detail_becomes_a_question_mark():
    assert json_object(encode_detail({"command": "hpstudy run \udcff.yaml", "\ud800": ["ü", 1]})) == {
        "command": "hpstudy run ?.yaml",
        "?": ["ü", 1],
    }


def test_times_are_utc_to_the_millisecond():
    assert len(utc_now()) == len("2026-01-31T12:00:00.000Z")
    assert utc_now().endswith("Z")


def test_seconds_since_counts_from_a_stored_time():
    assert seconds_since("2000-01-01T00:00:00.000Z") > 8e8
