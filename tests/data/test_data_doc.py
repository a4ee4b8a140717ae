import re
from pathlib import Path

import pytest

from hpstudy.data import DATASETS, FeatureSettings, library, load_features, load_images, open_listed, split, split_rows
from tests.support.originals import write_image_folder

PAGE = (Path(__file__).parents[2] / "docs/reference/data.md").read_text()
EXAMPLE, EXAMPLE_OF_IMAGES, EXAMPLE_OF_A_FOLDER = re.findall(r"```python\n(.*?)```", PAGE, flags=re.S)


@pytest.fixture
def beeps(tmp_path, monkeypatch):
    """The page's example, as a module of the user's own."""
    (tmp_path / "my_beeps.py").write_text(EXAMPLE)
    monkeypatch.syspath_prepend(tmp_path)
    return "my_beeps:Beeps"


def test_the_example_of_a_data_set_has_features_and_a_split(beeps):
    features = load_features(beeps, FeatureSettings(kind="waveform"))
    rows = split(beeps, features, by="speaker", fold=1, seed=0)
    assert (len(rows.train), len(rows.validation), len(rows.test)) == (10, 10, 10)


def test_the_example_of_an_image_set_is_opened_and_split(tmp_path, monkeypatch):
    (tmp_path / "my_bars.py").write_text(EXAMPLE_OF_IMAGES)
    monkeypatch.syspath_prepend(tmp_path)
    images = load_images("my_bars:Bars")
    train, validation = split_rows(images.train_y, 40, seed=0)
    assert (len(train), len(validation), len(images.test_y)) == (260, 40, 100)


def test_the_example_of_an_image_folder_is_imported_and_opened(tmp_path, monkeypatch):
    (tmp_path / "my_page.py").write_text(EXAMPLE_OF_A_FOLDER)
    monkeypatch.syspath_prepend(tmp_path)
    library.import_set("my_page:MyImages", write_image_folder(tmp_path / "pictures", ["ape", "bee"]))
    assert open_listed("my_page:MyImages").train.labels.tolist() == [0, 1]


@pytest.mark.parametrize("example", [EXAMPLE, EXAMPLE_OF_IMAGES, EXAMPLE_OF_A_FOLDER])
def test_an_example_of_a_data_set_takes_less_than_15_lines(example):
    assert len([line for line in example.splitlines() if line.strip()]) < 15


@pytest.mark.parametrize("name", list(DATASETS))
def test_the_page_has_every_data_set(name):
    assert f"| `{name}` |" in PAGE


@pytest.mark.parametrize("key", list(FeatureSettings.model_fields))
def test_the_page_has_every_key_of_the_features(key):
    assert f"`{key}" in PAGE
