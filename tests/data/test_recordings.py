"""On the real recordings, where they are present."""

import os
from pathlib import Path

import numpy as np
import pytest

from hpstudy.data import FeatureSettings, library, load_features, sets, split

SHARED = Path(os.environ.get("HPSTUDY_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not (SHARED / "fsdd.zip").exists(), reason=f"no fsdd.zip in {SHARED} (HPSTUDY_SHARED_DATA)"),
]


@pytest.fixture(scope="module")
def status(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HPSTUDY_DATA", str(tmp_path_factory.mktemp("cache")))
        yield library.import_set("fsdd", SHARED / "fsdd.zip")


@pytest.fixture
def cache_root(status, monkeypatch):
    monkeypatch.setenv("HPSTUDY_DATA", str(status.path.parents[1]))


def test_the_free_spoken_digit_dataset_imports_whole(status):
    assert status.holds == "3,000 clips of 6 speakers"
    assert status.notes == ("20 longer than a second were cut",)


def test_its_content_is_the_published_one(cache_root):
    sha = {name: sha for name, (_, sha) in sets.clips("fsdd").manifest.files.items()}["audio.int16"]
    assert sha == "1f7b426c18ec2a1bd80006a63f47479246978730ef6d111df19ac4900b51ccf9"


def test_a_linear_classifier_reaches_four_fifths_on_speakers_that_it_has_heard(cache_root):
    features = load_features("fsdd", FeatureSettings())
    s = split("fsdd", features, by="repetition", fold=0, seed=0)
    x = (features.x - features.x[s.train].mean(axis=0)) / (features.x[s.train].std(axis=0) + 1e-6)
    target = np.eye(10)[features.digit[s.train]]
    weights = np.linalg.solve(x[s.train].T @ x[s.train] + 1000 * np.eye(x.shape[1]), x[s.train].T @ (target - 0.1))
    assert (np.argmax(x[s.validation] @ weights, axis=1) == features.digit[s.validation]).mean() > 0.8
