"""A searcher of the user's own: whatever it raises or proposes, and the seed that it receives."""

import pytest

from hpstudy.engine.identity import identity_of
from hpstudy.engine.trial_seeds import search_seed
from hpstudy.errors import MESSAGE_CHARACTERS, HpstudyError
from hpstudy.loading.bind import bind
from hpstudy.modules import module_path
from hpstudy.store import Reader, Store
from hpstudy.study.plan import SearchKey

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
    assert caught.value.message.startswith(f"the searcher failed in 4 searches, first in both, replicate 0: {said}")
    assert caught.value.message.endswith(".py:9)")
    assert str(tmp_path) in caught.value.message


def test_a_searcher_that_exits_stops_its_own_search_only(run, searched_by, measured, storage):
    body = "if len(space) == 2 and number: raise SystemExit\n        return space.default()"
    with pytest.raises(HpstudyError, match="failed in 2 searches"):
        run(searched_by(body), executor="processes", workers=1)
    assert [(view, list(measured(storage)).count((view, 0, 2))) for view in ("both", "one")] == [("both", 0), ("one", 1)]


def test_an_exception_with_a_long_message_is_cut(run, searched_by):
    with pytest.raises(HpstudyError) as caught:
        run(searched_by("raise ValueError('x' * 10**7)"), executor="processes", workers=1)
    assert len(str(caught.value)) < MESSAGE_CHARACTERS + 1_000


@pytest.mark.parametrize("point", ["None", "[1.0, 2.0]", "{}", "'x' * 10**7", "{'x1': 'x' * 10**7, 'x2': 1.0}"])
def test_what_is_no_point_of_the_space_is_refused(run, searched_by, point):
    with pytest.raises(HpstudyError, match=r"proposed .*, which is outside the space of view 'both'") as caught:
        run(searched_by(f"return {point}"))
    assert len(str(caught.value)) < 1_000


SEEDED = "return {name: np.random.RandomState(seed).rand() for name in space.names()}"


def test_the_seed_of_a_users_searcher_is_one_that_numpy_accepts(run, searched_by, measured, storage):
    study = searched_by("import numpy as np\n        " + SEEDED)
    without = study.model_copy(update={"search_seed_bits": None})
    assert run(without).counts.completed == 12
    assert len({point["x1"] for point, _, _ in measured(storage).values()}) == 4
    with Reader.open(storage) as reader:
        assert reader.study.search_seed_bits == 31
        assert reader.study.seed_bits is None
    assert run(without.model_copy(update={"replicates": 3})).counts.completed == 18


@pytest.mark.parametrize(("bits", "below"), [(31, 2**31), (63, 2**63), (None, 2**63)])
def test_a_search_seed_has_the_bits_of_its_study(make_study, bits, below):
    study = make_study().model_copy(update={"search_seed_bits": bits})
    seeds = [search_seed(study, SearchKey(view, replicate)) for view in study.views for replicate in range(5)]
    assert below // 4 < max(seeds) < below


def test_seeds_of_a_search_that_states_no_size_stay_what_they_were(make_study):
    study = make_study()
    assert (study.search_seed_bits, search_seed(study, SearchKey("both", 1))) == (None, 6761701141221966059)


@pytest.mark.parametrize("stated", [None, 63])
def test_a_database_whose_searcher_has_seeds_of_63_bits_keeps_them(run, searched_by, measured, tmp_path, storage, stated):
    study = searched_by("return {name: min(float(seed >> 40), 1e9) / 1e9 for name in space.names()}")
    without = study.model_copy(update={"search_seed_bits": None})
    with module_path(str(tmp_path)):
        identity = identity_of(study, bind(study, str(tmp_path)).task)
    Store.create(storage, without, identity=identity, module_path=str(tmp_path)).close()
    assert run(study.model_copy(update={"search_seed_bits": stated, "replicates": 3})).counts.completed == 18
    with Reader.open(storage) as reader:
        assert reader.study.search_seed_bits is None
    assert max(point["x1"] for point, _, _ in measured(storage).values()) > 1e-3


def test_a_built_in_searcher_keeps_its_seeds(run, make_study, storage):
    run(make_study())
    with Reader.open(storage) as reader:
        assert "search_seed_bits" not in reader.study.to_json()
