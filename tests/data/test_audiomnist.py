import numpy as np
import pytest

from hpstudy.data import library, sets
from hpstudy.data.audiomnist import AudioMnist
from hpstudy.errors import DataError
from tests.support.originals import write_wav


@pytest.fixture
def originals(tmp_path, monkeypatch):
    """One speaker, two repetitions of a tone of 600 Hz, 48 kHz."""
    monkeypatch.setattr(AudioMnist.__init__, "__defaults__", (1, 2))
    tone = 10000 * np.sin(2 * np.pi * 600 * np.arange(24000) / 48000)
    for digit in range(10):
        for repetition in range(2):
            write_wav(tmp_path / "AudioMNIST" / "data" / "01" / f"{digit}_01_{repetition}.wav", tone, 48000)
    return tmp_path / "AudioMNIST"


def test_48_khz_becomes_8_khz(originals):
    library.import_set("audiomnist", originals)
    clip = sets.clips("audiomnist").audio[0].astype(float)
    start = np.flatnonzero(clip)[0] - 1
    assert np.allclose(clip[start : start + 4000], 10000 * np.sin(2 * np.pi * 600 * np.arange(4000) / 8000), atol=1)


def test_recordings_stand_at_different_places(originals):
    library.import_set("audiomnist", originals)
    assert len({int(np.flatnonzero(clip)[0]) for clip in sets.clips("audiomnist").audio}) > 10


def test_a_recording_longer_than_a_second_is_an_error(originals):
    write_wav(originals / "data" / "01" / "0_01_0.wav", np.ones(48010), 48000)
    with pytest.raises(DataError, match=r"0_01_0.wav is longer than a second"):
        library.import_set("audiomnist", originals)


def test_recordings_at_another_rate_are_an_error(originals):
    write_wav(originals / "data" / "01" / "0_01_0.wav", np.ones(4000), 8000)
    with pytest.raises(DataError, match="8000 Hz instead of 48000 Hz"):
        library.import_set("audiomnist", originals)
