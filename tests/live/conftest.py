import pytest

from tests.support.databases import example_study, synthetic_database


@pytest.fixture
def study():
    """A study that is compared on trials to a target."""
    return example_study(trials=5, replicates=4).model_copy()


@pytest.fixture
def complete(tmp_path, study):
    """The database of a study that is complete."""
    return synthetic_database(tmp_path / "complete.sqlite", study, epochs=4, diverged=0.1)


@pytest.fixture
def half(tmp_path, study):
    """The database of a study of which every search has spent 3 of 5 trials, and which nobody runs."""
    return synthetic_database(tmp_path / "half.sqlite", study, epochs=4, complete=0.6)
