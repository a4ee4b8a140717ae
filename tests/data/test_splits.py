import numpy as np
import pytest

from hpstudy.data import check_split, split
from hpstudy.data.audiomnist import PARTS
from hpstudy.data.clips import Labels
from hpstudy.data.fsdd import SPEAKERS, Fsdd
from hpstudy.data.spoken_digits import Split
from hpstudy.errors import DataError, UsageError


def labels(speakers: tuple[str, ...], repetitions: int) -> Labels:
    """Labels of a set in its usual order."""
    speaker, digit, repetition = np.indices((len(speakers), 10, repetitions)).reshape(3, -1)
    return Labels(digit=digit, speaker=speaker, repetition=repetition, speakers=speakers)


FSDD = labels(SPEAKERS, 50)
AUDIOMNIST = labels(tuple(f"{number:02}" for number in range(1, 61)), 50)
SPEECH = labels(tuple(f"voice{number}" for number in range(60)), 30)


def sizes(dataset, features, by, fold=0, seed=0) -> tuple[int, int, int]:
    s = split(dataset, features, by=by, fold=fold, seed=seed)
    return len(s.train), len(s.validation), len(s.test)


def speakers_of(features, rows) -> set[str]:
    return {features.speakers[number] for number in features.speaker[rows]}


@pytest.mark.parametrize(
    ("dataset", "features", "by", "expected"),
    [
        ("speech_digits", SPEECH, "speaker", (10800, 3600, 3600)),
        ("speech_digits", SPEECH, "repetition", (10800, 3600, 3600)),
        ("fsdd", FSDD, "speaker", (2000, 500, 500)),
        ("fsdd", FSDD, "repetition", (1800, 900, 300)),
        ("audiomnist", AUDIOMNIST, "speaker", (18000, 6000, 6000)),
        ("audiomnist", AUDIOMNIST, "repetition", (18000, 6000, 6000)),
    ],
)
def test_parts_have_the_documented_sizes(dataset, features, by, expected):
    assert sizes(dataset, features, by) == expected


def test_the_test_part_of_fsdd_by_repetition_is_the_official_one():
    s = split("fsdd", FSDD, by="repetition", fold=0, seed=0)
    assert set(FSDD.repetition[s.test]) == {0, 1, 2, 3, 4}


def test_every_speaker_and_digit_of_fsdd_validates_equally_often():
    s = split("fsdd", FSDD, by="repetition", fold=0, seed=0)
    counts = np.bincount(10 * FSDD.speaker[s.validation] + FSDD.digit[s.validation])
    assert set(counts) == {15}


def test_another_seed_draws_another_validation_part_of_fsdd():
    first, second = (split("fsdd", FSDD, by="repetition", fold=0, seed=seed).validation for seed in (0, 1))
    assert not np.array_equal(first, second)


def test_audiomnist_validates_on_part_four_and_tests_on_part_five_of_the_paper():
    s = split("audiomnist", AUDIOMNIST, by="speaker", fold=0, seed=0)
    assert speakers_of(AUDIOMNIST, s.validation) == {f"{number:02}" for number in PARTS[3]}
    assert speakers_of(AUDIOMNIST, s.test) == {f"{number:02}" for number in PARTS[4]}


def test_split_k_of_audiomnist_rotates_the_parts_of_the_paper_by_k():
    s = split("audiomnist", AUDIOMNIST, by="speaker", fold=3, seed=0)
    assert speakers_of(AUDIOMNIST, s.validation) == {f"{number:02}" for number in PARTS[1]}
    assert speakers_of(AUDIOMNIST, s.test) == {f"{number:02}" for number in PARTS[2]}


def test_the_parts_of_audiomnist_hold_every_speaker_once():
    assert sorted(number for part in PARTS for number in part) == list(range(1, 61))


def test_every_part_of_speech_digits_has_every_accent():
    for fold in range(5):
        s = split("speech_digits", SPEECH, by="speaker", fold=fold, seed=0)
        for rows in (s.train, s.validation, s.test):
            assert {number % 8 for number in SPEECH.speaker[rows]} == set(range(8))


def test_an_unknown_way_to_split_is_answered_with_the_nearest():
    with pytest.raises(DataError, match="did you mean 'speaker'"):
        check_split("fsdd", "speakers", 0)


@pytest.mark.parametrize("fold", [-1, 6])
def test_a_fold_that_there_is_not_is_answered_with_those_there_are(fold):
    with pytest.raises(DataError, match="valid: 0 to 5"):
        check_split("fsdd", "speaker", fold)


def test_an_unknown_data_set_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'speech_digits'"):
        check_split("speech_digit", "speaker", 0)


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ((range(4), range(4, 6), ()), "an empty part"),
        ((range(4), range(4, 5), [5, 6]), "rows from 0 to 6, but those of the clips are 0 to 5"),
        ((range(4), range(4, 5), [-1]), "rows from -1 to 4, but those of the clips are 0 to 5"),
        ((range(4), range(3, 5), [5]), "a clip in two parts"),
    ],
)
def test_rows_that_are_no_split_are_refused(parts, complaint, monkeypatch):
    six = np.arange(6)
    monkeypatch.setattr(Fsdd, "split", lambda *_: Split(*(np.array(part, dtype=np.int64) for part in parts)))
    with pytest.raises(DataError, match=complaint):
        split("fsdd", Labels(digit=six, speaker=six, repetition=six, speakers=("a",) * 6), by="speaker", fold=0, seed=0)
