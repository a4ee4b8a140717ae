import json
import os
import subprocess
import sys

import numpy as np
import pytest

from hpstudy.data import library, manifest, sets, speech_digits, voices
from hpstudy.data.clips import CLIP_SAMPLES
from hpstudy.data.espeak import Speech, Utterance, VoiceError, speak, variants
from hpstudy.data.sound import Resampler, colored_noise, trim
from hpstudy.data.speech_digits import ACCENTS, SpeechDigits, noisy_clip
from hpstudy.data.voices import select_voices
from hpstudy.errors import DataError

BUILD = """
import sys
from hpstudy.data import sets
from hpstudy.data.speech_digits import SpeechDigits
sets.make(SpeechDigits(speakers=2, repetitions=2), None, sets.log_progress)
"""


def make(speakers=2, repetitions=2):
    sets.make(SpeechDigits(speakers, repetitions), None, sets.log_progress, replace=True)
    return sets.clips("speech_digits")


def patterns(count: int):
    """A stand-in for `word_spectrograms`: voices a, b, c, ... are 5 dB apart, and a name of two letters sounds like its first."""
    rng = np.random.default_rng(0)
    base = {letter: 5 * number * np.ones((10, 16, 20)) for number, letter in enumerate("abcdefghij"[:count])}
    return lambda name: base[name[0]] + 0.1 * rng.standard_normal((10, 16, 20))


def test_built_in_separate_processes_it_has_the_same_checksum(tmp_path):
    checksums = set()
    for number in range(2):
        environment = {**os.environ, "HPSTUDY_DATA": str(tmp_path / f"cache{number}")}
        subprocess.run([sys.executable, "-c", BUILD], env=environment, check=True)
        record = manifest.opened(tmp_path / f"cache{number}" / "sets" / "speech_digits-1")
        assert record is not None
        checksums.add(record.checksum)
    assert len(checksums) == 1


def test_fewer_speakers_are_the_first_of_more():
    two, one = make(speakers=2).audio[:20], make(speakers=1).audio[:]
    assert np.array_equal(two, one)


def test_what_a_voice_says_does_not_depend_on_who_spoke_before():
    words = [Utterance("three", 180, 60, 40)]
    before = speak("en", "f1", words).samples[0]
    speak("en-us", "robosoft", words)
    assert np.array_equal(speak("en", "f1", words).samples[0], before)


@pytest.mark.parametrize("changed", [{"rate": 250}, {"pitch": 80}, {"range": 90}, {"text": "three?"}])
def test_rate_pitch_range_and_ending_change_what_is_heard(changed):
    plain = speak("en", "f1", [Utterance("three")]).samples[0]
    other = speak("en", "f1", [Utterance(**{"text": "three", **changed})]).samples[0]
    assert not np.array_equal(plain, other)


@pytest.mark.parametrize("accent", ACCENTS)
def test_espeak_has_every_accent(accent):
    assert len(speak(accent, "f1", [Utterance("one")]).samples[0]) > 1000


def test_every_accent_sounds_different():
    spoken = {speak(accent, "f1", [Utterance(word) for word in voices.WORDS]).samples[7].tobytes() for accent in ACCENTS}
    assert len(spoken) > len(ACCENTS) // 2


def test_a_language_that_espeak_does_not_have_is_a_voice_error():
    with pytest.raises(VoiceError, match="refuses the voice"):
        speak("xx", "f1", [Utterance("one")])


def test_a_program_that_crashes_is_a_voice_error(tmp_path, monkeypatch):
    crash = tmp_path / "speak.py"
    crash.write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setattr("hpstudy.data.espeak.__file__", str(tmp_path / "espeak.py"))
    with pytest.raises(VoiceError, match="signal 11"):
        speak("en", "f1", [Utterance("one")])


def test_a_program_that_exceeds_its_time_once_as_after_ctrl_z_is_run_again(monkeypatch):
    expected, run = speak("en", "f1", [Utterance("one")]), subprocess.run
    outcomes = iter([subprocess.TimeoutExpired("speak.py", 120), None])

    def late(*arguments, **options):
        if error := next(outcomes):
            raise error
        return run(*arguments, **options)

    monkeypatch.setattr(subprocess, "run", late)
    assert np.array_equal(speak("en", "f1", [Utterance("one")]).samples[0], expected.samples[0])


def test_a_program_that_hangs_is_a_voice_error(tmp_path, monkeypatch):
    (tmp_path / "speak.py").write_text("import time; time.sleep(60)")
    monkeypatch.setattr("hpstudy.data.espeak.__file__", str(tmp_path / "espeak.py"))
    monkeypatch.setattr("hpstudy.data.espeak.TIMEOUT_S", 0.3)
    with pytest.raises(VoiceError, match=r"timed out twice after 0\.3 s"):
        speak("en", "f1", [Utterance("one")])


def test_there_are_sixty_voices_and_more():
    assert len(variants()) >= 60


def test_voices_that_sound_alike_are_left_out_by_name(monkeypatch):
    monkeypatch.setattr(voices, "word_spectrograms", patterns(3))
    selection = select_voices(["a", "ax", "b", "bx", "c"], count=5, workers=2)
    assert selection.speakers == ["a", "b", "c"]
    assert selection.left_out.keys() == {"ax", "bx"}
    assert selection.left_out["bx"].endswith("dB from b")


def test_voices_that_do_not_speak_are_left_out_with_the_reason(monkeypatch):
    sound = patterns(3)

    def word_spectrograms(name):
        if name == "b":
            raise VoiceError("silent in 'zero'")
        return sound(name)

    monkeypatch.setattr(voices, "word_spectrograms", word_spectrograms)
    assert select_voices(["a", "b", "c"], count=5, workers=2).left_out == {"b": "silent in 'zero'"}


def test_voices_beyond_those_wanted_are_left_out_by_name(monkeypatch):
    monkeypatch.setattr(voices, "word_spectrograms", patterns(10))
    selection = select_voices("abcdefghij", count=2, workers=2)
    assert selection.speakers == ["a", "b"]
    assert list(selection.left_out) == list("cdefghij")


def test_no_voice_at_all_is_a_data_error(monkeypatch):
    def word_spectrograms(name):
        raise VoiceError("silent in 'zero'")

    monkeypatch.setattr(voices, "word_spectrograms", word_spectrograms)
    with pytest.raises(DataError, match=r"only 0 voices.*silent in 'zero'"):
        make()


def test_a_silent_voice_has_no_spectrograms(monkeypatch):
    silence = Speech([np.zeros(5000, dtype=np.int16)] * 10, 22050)
    monkeypatch.setattr(voices, "speak", lambda *_: silence)
    with pytest.raises(VoiceError, match="silent in 'zero'"):
        voices.word_spectrograms("f1")


def test_a_speaker_that_fails_later_is_left_out_by_name(monkeypatch):
    first = make(speakers=2).speakers[0]
    spoken = speech_digits.speak

    def fail(accent, name, utterances):
        if name == first:
            raise VoiceError("crashed with signal 11")
        return spoken(accent, name, utterances)

    monkeypatch.setattr(speech_digits, "speak", fail)
    assert first not in make(speakers=2).speakers
    assert sets.available("speech_digits").facts["left_out"][first] == "crashed with signal 11 (in accent en)"
    assert first in library.status("speech_digits").notes[-1]


def test_voices_left_out_are_named_in_the_manifest():
    clips = make(speakers=2)
    left_out = json.loads((sets.folder_of(SpeechDigits()) / "manifest.json").read_text())["left_out"]
    assert {*left_out, *clips.speakers} == set(variants())


def test_it_makes_itself_on_first_use(monkeypatch):
    monkeypatch.setattr(SpeechDigits.__init__, "__defaults__", (1, 1))
    assert len(sets.clips("speech_digits").digit) == 10


def test_a_word_is_somewhere_in_its_window():
    word = np.full(1000, 8000, dtype=np.int16)
    places = {
        int(np.argmax(np.convolve(noisy_clip(np.random.default_rng(seed), word), np.ones(1000), "valid"))) for seed in range(20)
    }
    assert max(places) - min(places) > CLIP_SAMPLES // 2


def test_noise_makes_every_repetition_different():
    clips = make(speakers=1, repetitions=3)
    assert len({clip.tobytes() for clip in clips.audio}) == 30


def test_noise_has_unit_power():
    assert np.isclose(np.mean(colored_noise(np.random.default_rng(0), 8000, 1.5) ** 2), 1)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 2.0])
def test_the_power_of_noise_falls_with_frequency_by_its_exponent(exponent):
    rng = np.random.default_rng(0)
    power = np.mean([np.abs(np.fft.rfft(colored_noise(rng, 8000, exponent))) ** 2 for _ in range(200)], axis=0)
    low, high = power[90:111].mean(), power[900:1101].mean()
    assert np.isclose(np.log10(low / high), exponent, atol=0.03)


def test_trimming_removes_silence_at_both_ends_only():
    assert trim(np.array([0, 1, 500, 0, 400, -2, 0], dtype=np.int16)).tolist() == [500, 0, 400]


def test_a_silent_recording_is_trimmed_to_nothing():
    assert len(trim(np.zeros(10, dtype=np.int16))) == 0


def test_resampling_keeps_a_tone():
    rate = 22050
    tone = (10000 * np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)).astype(np.int16)
    expected = 10000 * np.sin(2 * np.pi * 1000 * np.arange(8000) / 8000)
    assert np.allclose(Resampler(rate)(tone)[500:7500], expected[500:7500], atol=15)


def test_resampling_removes_what_is_above_4_khz():
    rate = 22050
    tone = (10000 * np.sin(2 * np.pi * 5500 * np.arange(rate) / rate)).astype(np.int16)
    assert np.abs(Resampler(rate)(tone)[500:7500]).max() < 30
