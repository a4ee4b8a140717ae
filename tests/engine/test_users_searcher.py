"""A searcher of the user's own: whatever it raises or proposes."""

import pytest

from hpstudy.engine.step import MESSAGE_CHARACTERS
from hpstudy.errors import HpstudyError

SEARCHER = """\
from pydantic import BaseModel
from hpstudy.search.interface import Searcher

class f(Searcher):
    class Settings(BaseModel):
        pass

    def ask(self, space, history, *, goal, seed, number):
        {body}
"""


@pytest.fixture
def searched_by(make_study, write_module):
    """A study whose searcher has this body: searched_by("return {}")."""

    def searched_by(body, **keys):
        return make_study(searcher=write_module(SEARCHER.format(body=body)), **keys)

    return searched_by


@pytest.mark.parametrize("executor", ["inline", "processes"])
@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("SystemExit(3)", "SystemExit: 3"),
        ("KeyboardInterrupt", "KeyboardInterrupt: "),
        ("LookupError('no surrogate')", "LookupError: no surrogate"),
    ],
)
def test_whatever_a_searcher_raises_is_one_message_with_its_line(run, searched_by, tmp_path, executor, raised, said):
    with pytest.raises(HpstudyError) as caught:
        run(searched_by(f"raise {raised}"), executor=executor, workers=1)
    assert caught.value.message.startswith(f"the searcher failed in 4 of the searches, first in both, replicate 0: {said}")
    assert caught.value.message.endswith(".py:9)")
    assert str(tmp_path) in caught.value.message


def test_a_searcher_that_exits_stops_its_own_search_only(run, searched_by, measured, storage):
    body = "if len(space) == 2 and number: raise SystemExit\n        return space.default()"
    with pytest.raises(HpstudyError, match="failed in 2 of the searches"):
        run(searched_by(body), executor="processes", workers=1)
    assert [(view, list(measured(storage)).count((view, 0, 2))) for view in ("both", "one")] == [("both", 0), ("one", 1)]


def test_an_exception_with_a_long_message_is_cut(run, searched_by):
    with pytest.raises(HpstudyError) as caught:
        run(searched_by("raise ValueError('x' * 10**7)"), executor="processes", workers=1)
    assert len(str(caught.value)) < MESSAGE_CHARACTERS + 1_000


@pytest.mark.parametrize("point", ["None", "[1.0, 2.0]", "{}", "'x' * 10**7", "{'x1': 'x' * 10**7, 'x2': 1.0}"])
def test_what_is_no_point_of_the_space_is_refused(run, searched_by, point):
    with pytest.raises(HpstudyError, match=r"proposed .*, which lies outside the space of view 'both'") as caught:
        run(searched_by(f"return {point}"))
    assert len(str(caught.value)) < 1_000
