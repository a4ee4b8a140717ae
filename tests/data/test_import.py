import os
import shutil
import zipfile

import numpy as np
import pytest

from hpstudy.data import library, sets
from hpstudy.data.clips import CLIP_SAMPLES
from hpstudy.errors import DataError, UsageError
from tests.support.originals import write_wav

pytestmark = pytest.mark.usefixtures("small_fsdd")

WHOLE = "60 clips of 3 speakers"


def refused(source) -> str:
    """The message of an import that fails, after which nothing must be there."""
    with pytest.raises(DataError) as caught:
        library.import_set("fsdd", source)
    assert not sets.folder_of(sets.dataset("fsdd")).exists(), "something was imported"
    return str(caught.value)


def test_the_folder_of_the_recordings_can_be_given(recordings):
    assert library.import_set("fsdd", recordings).holds == WHOLE


def test_the_folder_above_the_recordings_can_be_given(recordings):
    assert library.import_set("fsdd", recordings.parent).holds == WHOLE


def test_an_archive_of_a_repository_can_be_given(recordings, tmp_path):
    with zipfile.ZipFile(tmp_path / "master.zip", "w") as packed:
        for path in recordings.iterdir():
            packed.write(path, f"free-spoken-digit-dataset-master/recordings/{path.name}")
        packed.writestr("free-spoken-digit-dataset-master/README.md", "hello")
    assert library.import_set("fsdd", tmp_path / "master.zip").holds == WHOLE


def test_folder_and_archive_give_the_same_checksum(recordings, tmp_path):
    library.import_set("fsdd", recordings)
    from_folder = sets.clips("fsdd").manifest.checksum
    library.import_set("fsdd", shutil.make_archive(str(tmp_path / "a"), "gztar", recordings.parent) and tmp_path / "a.tar.gz")
    assert sets.clips("fsdd").manifest.checksum == from_folder


def test_an_import_leaves_nothing_but_the_set(recordings, cache_root):
    library.import_set("fsdd", recordings)
    assert [path.name for path in (cache_root / "sets").iterdir()] == ["fsdd-1"]


def test_a_shorter_recording_stands_in_the_middle(recordings):
    samples = np.arange(1, 1001, dtype=np.int16)
    write_wav(recordings / "0_george_0.wav", samples, 8000)
    library.import_set("fsdd", recordings)
    assert np.array_equal(sets.clips("fsdd").audio[0], np.pad(samples, (3500, 3500)))


def test_a_longer_recording_is_cut_and_counted(recordings):
    samples = np.arange(1, 9001, dtype=np.int16)
    write_wav(recordings / "0_george_0.wav", samples, 8000)
    assert library.import_set("fsdd", recordings).notes == ("1 longer than a second were cut",)
    assert np.array_equal(sets.clips("fsdd").audio[0], samples[:CLIP_SAMPLES])


def test_labels_come_from_the_names(recordings):
    library.import_set("fsdd", recordings)
    clips = sets.clips("fsdd")
    samples = np.arange(1, 101, dtype=np.int16)
    write_wav(recordings / "7_jackson_1.wav", samples, 8000)
    library.import_set("fsdd", recordings)
    (row,) = np.flatnonzero((sets.clips("fsdd").audio != clips.audio).any(axis=1))
    assert (clips.digit[row], clips.speakers[clips.speaker[row]], clips.repetition[row]) == (7, "jackson", 1)


def test_missing_recordings_are_named_and_counted(recordings):
    for digit in range(10):
        (recordings / f"{digit}_lucas_1.wav").unlink()
    message = refused(recordings)
    assert "10 of 60 recordings are missing: 0_lucas_1.wav, 1_lucas_1.wav" in message
    assert "and 5 more" in message


def test_unexpected_recordings_are_named(recordings):
    (recordings / "0_george_0.wav").rename(recordings / "zero_george_0.wav")
    message = refused(recordings)
    assert "1 of 60 recordings are missing: 0_george_0.wav" in message
    assert "1 unexpected files: zero_george_0.wav" in message


def test_all_unusable_recordings_are_one_error(recordings):
    (recordings / "0_george_0.wav").write_bytes(b"RIFF")
    (recordings / "1_george_0.wav").write_bytes(b"")
    write_wav(recordings / "2_george_0.wav", np.ones(100, dtype=np.int16), 16000)
    whole = (recordings / "3_george_0.wav").read_bytes()
    (recordings / "3_george_0.wav").write_bytes(whole[:-10])
    write_wav(recordings / "4_george_0.wav", np.ones(0, dtype=np.int16), 8000)
    message = refused(recordings)
    assert "5 of 60 recordings" in message
    for complaint in ("0_george_0.wav (unreadable", "2_george_0.wav (16000 Hz instead of 8000 Hz)", "3_george_0.wav (truncated)"):
        assert complaint in message


def test_two_channels_are_refused(recordings):
    import soundfile

    soundfile.write(recordings / "0_george_0.wav", np.ones((100, 2), dtype=np.int16), 8000, subtype="PCM_16")
    assert "2 channels instead of 1" in refused(recordings)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no FIFOs")
def test_a_fifo_among_the_recordings_is_refused_without_waiting(recordings):
    (recordings / "0_george_0.wav").unlink()
    os.mkfifo(recordings / "0_george_0.wav")
    assert "0_george_0.wav (not a regular file)" in refused(recordings)


def test_a_source_that_is_not_there_is_one_error(tmp_path):
    assert "does not exist" in refused(tmp_path / "nowhere.zip")


def test_an_empty_folder_is_one_error(tmp_path):
    (tmp_path / "empty").mkdir()
    assert "contains no recordings" in refused(tmp_path / "empty")


def test_a_truncated_archive_is_one_error(recordings, tmp_path):
    whole = shutil.make_archive(str(tmp_path / "a"), "zip", recordings.parent)
    (tmp_path / "part.zip").write_bytes((tmp_path / "a.zip").read_bytes()[:50_000])
    assert whole
    assert "truncated" in refused(tmp_path / "part.zip")


def test_a_failed_import_keeps_the_set_that_was_there(recordings):
    library.import_set("fsdd", recordings)
    before = sets.clips("fsdd").manifest.checksum
    (recordings / "0_george_0.wav").unlink()
    with pytest.raises(DataError):
        library.import_set("fsdd", recordings)
    assert sets.clips("fsdd").manifest.checksum == before


def test_a_set_that_is_made_here_cannot_be_imported(recordings):
    with pytest.raises(DataError, match="hpstudy data fetch speech_digits"):
        library.import_set("speech_digits", recordings)


def test_a_misspelled_set_is_answered_with_the_nearest_name(recordings):
    with pytest.raises(UsageError, match="did you mean 'fsdd'"):
        library.import_set("fsd", recordings)
