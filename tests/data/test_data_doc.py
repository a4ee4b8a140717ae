import re
import sys
from pathlib import Path

import pytest

from hpstudy.data import DATASETS, FeatureSettings, library, load_features, load_images, open_listed, split, split_rows
from hpstudy.errors import DataError, PluginError
from tests.support.originals import write_image_folder

PAGE = (Path(__file__).parents[2] / "docs/reference/data.md").read_text()
EXAMPLE, EXAMPLE_OF_IMAGES, EXAMPLE_OF_A_FOLDER = re.findall(r"```python\n(.*?)```", PAGE, flags=re.S)


@pytest.fixture
def beeps(tmp_path, monkeypatch):
    """The page's example, as a module of the user's own."""
    (tmp_path / "my_beeps.py").write_text(EXAMPLE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "my_beeps", raising=False)
    return "my_beeps:Beeps"


def test_the_example_of_a_data_set_has_features_and_a_split(beeps):
    features = load_features(beeps, FeatureSettings(kind="waveform"))
    rows = split(beeps, features, by="speaker", fold=1, seed=0)
    assert (len(rows.train), len(rows.validation), len(rows.test)) == (10, 10, 10)


@pytest.mark.parametrize(
    ("correct", "wrong", "message"),
    [
        (".astype(np.int16) for", " for", "the samples of a recording are float64 instead of int16"),
        ("place(beep[d], 1000 * s)", "beep[d]", r"recording 0 of the data set: its samples are int16 \(4000,\) instead of int16"),
        ("1000 * s), d,", "1000 * s), d + 1,", "recording 9 of the data set: its digit is 10 instead of 0 to 9"),
        ("return Source(", "return len(", "a method of 'my_beeps:Beeps' failed, .*TypeError: .*my_beeps.py:12"),
        ("rotate(labels.speaker, fold, 3)", "labels", "the split of my_beeps:Beeps is FeatureSet, not a Split"),
        (
            "rotate(labels.speaker, fold, 3)",
            "type(parts := rotate(labels.speaker, fold, 3))(parts.train, parts.validation, parts.train)",
            "the split of my_beeps:Beeps by speaker, fold 1, has a clip in two parts",
        ),
    ],
)
def test_a_wrong_data_set_is_named_before_a_trial(beeps, tmp_path, correct, wrong, message):
    assert correct in EXAMPLE
    (tmp_path / "my_beeps.py").write_text(EXAMPLE.replace(correct, wrong))
    with pytest.raises((DataError, PluginError), match=message):
        split(beeps, load_features(beeps, FeatureSettings(kind="waveform")), by="speaker", fold=1, seed=0)


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
