"""The embedded data set: spoken digits synthesized on this machine by eSpeak NG, without a download or a licence to accept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hpstudy.cores import usable_cores
from hpstudy.data.clips import CLIP_SAMPLES, Labels, Recording, place
from hpstudy.data.dataset import Progress
from hpstudy.data.espeak import Speech, Utterance, VoiceError, speak, variants
from hpstudy.data.folds import rotate
from hpstudy.data.sound import Resampler, colored_noise, to_int16, trim
from hpstudy.data.spoken_digits import Source, Split, SpokenDigits
from hpstudy.data.voices import SILENT, WORDS, select_voices
from hpstudy.errors import DataError
from hpstudy.seeds import derive_seed

ACCENTS = ("en", "en-us", "en-gb-scotland", "en-029", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-us-nyc")
"""Accents, assigned to the speakers in turn. Their number and the number of folds are coprime, so that every fold has every accent."""
ENDINGS = ("", "?", "!", ",")
"""Punctuation after the word. Statement, question, exclamation and list item differ in intonation."""
RATE_WPM = (130, 260)
PITCH = (20, 80)
RANGE = (10, 90)
SNR_DB = (0.0, 20.0)
"""Range of the signal-to-noise ratio. It is wide, so that the task is neither trivial nor too hard; docs/reference/data.md has the accuracy
of a plain network."""
NOISE_EXPONENT = (0.0, 2.0)
PEAK_DB = (-20.0, -3.0)
"""Range of the peak level of a clip (speech and noise together) relative to full scale."""
FOLDS = 5
MIN_SPEAKERS = 5


class SpeechDigits(SpokenDigits):
    """Digits spoken by synthetic voices, with varied rate, pitch, intonation, accent, offset in the window, noise and loudness.

    Every clip is a function of (version, speaker, digit, repetition), so that it does not depend on the numbers of speakers and
    repetitions.

    Args:
        speakers: number of voices.
        repetitions: clips of every digit by every speaker.
    """

    name = "speech_digits"
    version = 1
    licence = "generated on this machine by eSpeak NG (GPL-3.0-or-later, which does not apply to its output)"
    folds: ClassVar[Mapping[str, int]] = {"speaker": FOLDS, "repetition": FOLDS}

    def __init__(self, speakers: int = 60, repetitions: int = 30) -> None:
        self.speakers = speakers
        self.repetitions = repetitions

    def read(self, source: Path | None, scratch: Path, progress: Progress) -> Source:
        """Select the voices, then synthesize all clips of each."""
        workers = usable_cores()
        selection = select_voices(variants(), self.speakers, workers)
        if len(selection.speakers) < min(MIN_SPEAKERS, self.speakers):
            reasons = "; ".join(f"{name}: {reason}" for name, reason in list(selection.left_out.items())[:3])
            raise DataError(
                f"only {len(selection.speakers)} voices of eSpeak NG work ({reasons})", "install espeakng-loader again"
            )
        result = Source((), {"left_out": selection.left_out})
        result.recordings = self._record(selection.speakers, result, workers, progress)
        return result

    def _record(self, names: list[str], result: Source, workers: int, progress: Progress) -> Iterator[Recording]:
        accents = [ACCENTS[number % len(ACCENTS)] for number in range(len(names))]
        total = len(names) * len(WORDS) * self.repetitions
        done = 0
        pool = ThreadPoolExecutor(workers)
        try:
            for name, accent, clips in zip(names, accents, pool.map(self._speaker, names, accents), strict=True):
                if isinstance(clips, str):
                    result.facts["left_out"][name] = clips
                    continue
                result.facts.setdefault("accents", {})[name] = accent
                yield from clips
                done += len(clips)
                progress(done, total, "clips")
        finally:
            pool.shutdown(cancel_futures=True)  # start no other speaker after Ctrl-C

    def _speaker(self, name: str, accent: str) -> list[Recording] | str:
        """Return all clips of a speaker, or the reason why there are none."""
        plan = [(digit, repetition) for digit in range(len(WORDS)) for repetition in range(self.repetitions)]
        generators = [np.random.default_rng(derive_seed(self.version, self.name, name, *which)) for which in plan]
        try:
            speech = speak(accent, name, [utterance(rng, digit) for rng, (digit, _) in zip(generators, plan, strict=True)])
        except VoiceError as error:
            return f"{error} (in accent {accent})"
        return self._clips(name, speech, generators, plan)

    def _clips(
        self, name: str, speech: Speech, generators: list[np.random.Generator], plan: list[tuple[int, int]]
    ) -> list[Recording] | str:
        resample = Resampler(speech.sample_rate)
        clips = []
        for rng, samples, (digit, repetition) in zip(generators, speech.samples, plan, strict=True):
            if np.abs(samples.astype(np.int32)).max(initial=0) < SILENT:
                return f"silent in '{WORDS[digit]}'"
            word = to_int16(resample(trim(samples)))
            clips.append(Recording(noisy_clip(rng, word[:CLIP_SAMPLES]), digit, name, repetition, cut=len(word) > CLIP_SAMPLES))
        return clips

    def split(self, labels: Labels, by: str, fold: int, seed: int) -> Split:
        """Assign speakers (or repetitions) to parts in turn, so that parts share accents, and rotate the parts (`rotate`)."""
        return rotate((labels.speaker if by == "speaker" else labels.repetition) % FOLDS, fold, FOLDS)


def utterance(rng: np.random.Generator, digit: int) -> Utterance:
    """Draw the ending, rate, pitch and pitch range of a digit."""
    text = WORDS[digit] + ENDINGS[rng.integers(len(ENDINGS))]
    rate, pitch, spread = (int(rng.integers(low, high + 1)) for low, high in (RATE_WPM, PITCH, RANGE))
    return Utterance(text, rate, pitch, spread)


def noisy_clip(rng: np.random.Generator, word: NDArray[np.int16]) -> NDArray[np.int16]:
    """Place a word in its window, add colored noise, and scale the clip.

    Args:
        rng: draws the offset, the noise exponent, the noise, the signal-to-noise ratio, and the peak level, in this order.
        word: (n,) at 8 kHz, n <= CLIP_SAMPLES.

    Returns:
        (CLIP_SAMPLES,).
    """
    speech = place(word, int(rng.integers(CLIP_SAMPLES - len(word) + 1))).astype(np.float64)
    power = np.mean(word.astype(np.float64) ** 2)
    noise = colored_noise(rng, CLIP_SAMPLES, rng.uniform(*NOISE_EXPONENT))
    clip = speech + noise * np.sqrt(power / 10 ** (rng.uniform(*SNR_DB) / 10))
    return to_int16(clip * (32767 * 10 ** (rng.uniform(*PEAK_DB) / 20) / np.abs(clip).max()))
