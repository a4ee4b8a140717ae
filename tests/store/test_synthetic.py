import pytest

from hpstudy.store import Reader, Store, check
from tests.support.databases import example_study, synthetic_database
from tests.support.trials import start


def frames(path):
    with Reader.open(path) as reader:
        return reader.trials().drop(columns=["started_at", "ended_at"]), reader.curves()


def test_a_synthetic_database_is_sound(path):
    assert check(synthetic_database(path, example_study(), epochs=3, diverged=0.2)) == []


def test_a_synthetic_database_is_complete(path):
    synthetic_database(path, example_study(trials=5, replicates=3))
    with Reader.open(path) as reader:
        assert {view: counts.completed for view, counts in reader.counts().items()} == {"latent": 15, "filter": 15}


def test_a_share_of_trials_can_be_left_out(path):
    synthetic_database(path, example_study(trials=10, replicates=1), complete=0.4)
    with Reader.open(path) as reader:
        assert reader.counts()["latent"].completed == 4


def test_the_same_seed_gives_the_same_trials(tmp_path):
    for name in "ab":
        synthetic_database(tmp_path / name, example_study(), seed=7, epochs=2)
    assert all(a.equals(b) for a, b in zip(frames(tmp_path / "a"), frames(tmp_path / "b"), strict=True))


def test_another_seed_gives_other_trials(tmp_path):
    for seed in (0, 1):
        synthetic_database(tmp_path / str(seed), example_study(), seed=seed)
    assert not frames(tmp_path / "0")[0].equals(frames(tmp_path / "1")[0])


def test_the_objective_may_be_given(path):
    synthetic_database(path, example_study(), objective=lambda view, point, generator: float(view == "filter"))
    with Reader.open(path) as reader:
        assert reader.trials().groupby("view")["objective"].unique().to_dict() == {"latent": [0.0], "filter": [1.0]}


def test_a_synthetic_database_can_be_continued(path):
    synthetic_database(path, example_study(trials=10), complete=0.5)
    from hpstudy.study.plan import SearchKey

    with Store.open(path) as store:
        start(store, SearchKey("filter", 0), 5, {"rate": 0.1, "decay": 0.0}, 0.0)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_share_of_diverged_trials_may_be_given(path, share):
    synthetic_database(path, example_study(), diverged=share)
    with Reader.open(path) as reader:
        assert (reader.trials()["state"] == "diverged").mean() == share
