import shutil
import subprocess
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from hpstudy.data import FeatureSettings, library, load_features
from hpstudy.data.clips import SAMPLE_RATE_HZ
from hpstudy.data.log_mel import log_mel, mel_transform
from hpstudy.data.waveform import waveform
from hpstudy.errors import DataError

SETTINGS = FeatureSettings()


def tone(frequency_hz: float, amplitude: float = 8000) -> np.ndarray:
    """A clip, (1, 8000) int16."""
    return (amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(8000) / SAMPLE_RATE_HZ)).astype(np.int16)[None]


def levels(audio, **settings) -> np.ndarray:
    """Log-mel features, (frames, bands)."""
    chosen = FeatureSettings(**settings)
    return log_mel(audio, chosen, mel_transform(chosen))[0].reshape(chosen.shape)


@pytest.fixture
def imported(small_fsdd, recordings):
    library.import_set("fsdd", recordings)


@pytest.mark.parametrize("settings", [{}, {"n_mels": 16, "hop": 200}, {"n_fft": 512, "hop": 320, "n_mels": 32}])
def test_log_mel_features_have_the_shape_that_the_settings_say(settings):
    assert levels(tone(1000), **settings).shape == FeatureSettings(**settings).shape


def test_a_higher_tone_stands_in_a_higher_band():
    bands = [levels(tone(frequency))[16].argmax() for frequency in (200, 500, 1000, 2000, 3500)]
    assert bands == sorted(set(bands))


def test_ten_times_the_amplitude_is_twenty_decibel():
    quiet, loud = (levels(tone(1000, amplitude), normalise="none", range_db=30) for amplitude in (1000, 10000))
    assert np.allclose(loud.max() - quiet.max(), 20, atol=0.01)


def test_nothing_is_further_below_the_strongest_than_the_range():
    level = levels(tone(1000), range_db=25, normalise="none")
    assert np.isclose(level.max() - level.min(), 25)


def test_centered_by_clip_loudness_does_not_matter():
    assert np.allclose(levels(tone(1000, 500), range_db=25), levels(tone(1000, 20000), range_db=25), atol=0.1)


def test_centered_by_clip_the_mean_is_zero():
    assert np.isclose(levels(tone(1000)).mean(), 0, atol=1e-4)


def test_centered_by_band_every_band_has_mean_zero():
    assert np.allclose(levels(tone(1000), normalise="band").mean(axis=0), 0, atol=1e-4)


def test_silence_has_finite_features():
    assert np.isfinite(levels(np.zeros((1, 8000), dtype=np.int16))).all()


def test_features_of_a_clip_do_not_depend_on_its_neighbors():
    batch = np.concatenate([tone(300), tone(1000), tone(3000)])
    transform = mel_transform(SETTINGS)
    assert np.array_equal(log_mel(batch, SETTINGS, transform)[1:2], log_mel(batch[1:2], SETTINGS, transform))


def test_too_many_bands_for_the_window_are_an_error_with_the_remedy():
    with pytest.raises(DataError, match=r"lower features.n_mels or raise features.n_fft"):
        mel_transform(FeatureSettings(n_mels=100, n_fft=128))


def test_a_waveform_is_divided_by_its_95th_percentile():
    audio = tone(1000)
    assert np.allclose(waveform(audio), audio / (np.percentile(audio, 95) + 0.001))


def test_a_very_short_word_is_divided_by_a_twentieth_of_its_peak_instead():
    audio = np.zeros((1, 8000), dtype=np.int16)
    audio[0, :100] = 10000
    assert np.isclose(waveform(audio).max(), 20, rtol=1e-4)


def test_the_waveform_of_silence_is_zero():
    assert not waveform(np.zeros((1, 8000), dtype=np.int16)).any()


def test_unknown_keys_are_refused():
    with pytest.raises(ValidationError, match="n_mel"):
        FeatureSettings(n_mel=3)


def test_settings_that_would_do_nothing_are_refused():
    with pytest.raises(ValidationError, match="n_mels would have no effect"):
        FeatureSettings(kind="waveform", n_mels=30)


def test_settings_survive_being_written_out_in_full():
    settings = FeatureSettings(kind="waveform")
    assert FeatureSettings(**settings.model_dump()) == settings


def test_edges_the_wrong_way_round_are_refused():
    with pytest.raises(ValidationError, match="must be below"):
        FeatureSettings(f_min=2000, f_max=1000)


def test_loaded_features_are_those_of_the_clips(imported):
    from hpstudy.data.sets import clips

    expected = log_mel(clips("fsdd").audio, SETTINGS, mel_transform(SETTINGS))
    assert np.array_equal(load_features("fsdd", SETTINGS).x, expected)


def test_loaded_features_cannot_be_changed(imported):
    with pytest.raises(ValueError, match="read-only"):
        load_features("fsdd", SETTINGS).x[0, 0] = 1


def test_features_are_computed_once(imported, monkeypatch):
    load_features("fsdd", SETTINGS)
    monkeypatch.setattr("hpstudy.data.features.compute", lambda *_: pytest.fail("computed again"))
    load_features("fsdd", SETTINGS)


def test_other_settings_have_features_of_their_own(imported):
    checksums = {
        load_features("fsdd", FeatureSettings(**settings)).checksum for settings in ({}, {"n_mels": 16}, {"kind": "waveform"})
    }
    assert len(checksums) == 3


def test_other_recordings_have_features_of_their_own(imported, recordings):
    before = load_features("fsdd", SETTINGS)
    (recordings / "0_george_0.wav").write_bytes((recordings / "1_george_0.wav").read_bytes())
    library.import_set("fsdd", recordings)
    after = load_features("fsdd", SETTINGS)
    assert after.checksum != before.checksum
    assert np.array_equal(after.x[0], after.x[2])


def test_computed_again_they_have_the_same_checksum(imported, cache_root, tmp_path):
    before = load_features("fsdd", SETTINGS).checksum
    (cache_root / "features").rename(tmp_path / "aside")
    assert load_features("fsdd", SETTINGS).checksum == before


def test_damaged_features_are_an_error_with_the_remedy(imported, cache_root):
    load_features("fsdd", SETTINGS)
    (folder,) = (cache_root / "features").iterdir()
    (folder / "x.npy").write_bytes(b"")
    with pytest.raises(DataError, match=f"delete {folder}"):
        load_features("fsdd", SETTINGS)


def test_features_of_a_missing_set_are_an_error_with_the_command():
    with pytest.raises(DataError, match="hpstudy data fetch audiomnist"):
        load_features("audiomnist", SETTINGS)


def test_processes_that_want_the_same_features_at_once_all_get_them(imported, cache_root):
    script = "from hpstudy.data import *; print(load_features('fsdd', FeatureSettings(kind='waveform')).checksum)"
    started = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    checksums = {process.communicate()[0] for process in started}
    assert len(checksums) == 1
    assert len(checksums.pop().strip()) == 64
    assert len(list((cache_root / "features").iterdir())) == 1


def test_a_disk_that_fills_while_features_are_written_is_one_error(imported, cache_root):
    (cache_root / "features").mkdir()
    mount = f"mount -t tmpfs -o size=100k tmpfs '{cache_root / 'features'}'"
    on_small_disk = ["unshare", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh"]
    if not shutil.which("unshare") or subprocess.run([*on_small_disk, "true"], check=False, capture_output=True).returncode:
        pytest.skip("needs the permission to mount a file system")
    script = "from hpstudy.data import *; load_features('fsdd', FeatureSettings(kind='waveform'))"
    done = subprocess.run([*on_small_disk, sys.executable, "-c", script], check=False, capture_output=True, text=True)
    assert "NotWritable: cannot prepare" in done.stderr
    assert "No space left on device" in done.stderr
