"""Selection of synthesizer voices as speakers: voices that work and that differ from each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.espeak import Utterance, VoiceError, speak
from hpstudy.data.sound import Resampler, trim

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LANGUAGE = "en"
"""Voices are compared in the same accent, so that only the voice differs."""
MIN_DISTANCE_DB = 3.0
"""Minimum distance between two speakers. Of the 104 variants of eSpeak NG 1.52, some of which are copies, 80 are at least 2 dB apart, 60 at
least 3 dB, and 37 at least 4 dB."""
SILENT = 328
"""Peak in int16 units (1% of full scale). A voice with a lower peak in any word counts as silent."""
FRAMES, BANDS, BINS_PER_BAND = 20, 16, 8
BATCH_VOICES = 8
"""Number of voices that are synthesized before checking whether there are enough speakers."""
FLOOR = 1e-3
"""Floor relative to the strongest band of a word. Differences more than 30 dB below it are inaudible and ignored."""


@dataclass(frozen=True)
class Selection:
    """The variants selected as speakers, in order, and the reason why each of the others was excluded."""

    speakers: list[str]
    left_out: dict[str, str]


def select_voices(variants: Iterable[str], count: int, workers: int) -> Selection:
    """Select variants in order. A variant is selected if it works and is at least MIN_DISTANCE_DB from all selected ones.

    The distance of two voices is the root mean square difference of their spectrograms (`word_spectrograms`) in dB.

    Args:
        variants: in order of preference.
        count: maximum number of speakers.
        workers: number of parallel processes; the result does not depend on it.
    """
    selected: dict[str, NDArray[np.float64]] = {}  # spectrograms by variant
    left_out: dict[str, str] = {}
    names = list(variants)
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(names), BATCH_VOICES):
            if len(selected) == count:
                left_out |= dict.fromkeys(names[start:], f"not needed: {count} speakers were selected before it")
                break
            batch = names[start : start + BATCH_VOICES]
            for variant, spectrograms in zip(batch, pool.map(_spectrograms_or_reason, batch), strict=True):
                if isinstance(spectrograms, str):
                    left_out[variant] = spectrograms
                elif reason := _exclusion(spectrograms, selected, count):
                    left_out[variant] = reason
                else:
                    selected[variant] = spectrograms
    return Selection(list(selected), left_out)


def _spectrograms_or_reason(variant: str) -> NDArray[np.float64] | str:
    """Return the spectrograms of a voice, or the reason why there are none."""
    try:
        return word_spectrograms(variant)
    except VoiceError as error:
        return str(error)


def _exclusion(spectrograms: NDArray[np.float64], selected: Mapping[str, NDArray[np.float64]], count: int) -> str:
    """Return the reason why a working voice is not the next speaker; "" if it is."""
    distances = {name: float(np.sqrt(np.mean((spectrograms - other) ** 2))) for name, other in selected.items()}
    if distances and (distance := min(distances.values())) < MIN_DISTANCE_DB:
        return f"only {distance:.1f} dB from {min(distances, key=lambda name: distances[name])}"
    return f"not needed: {count} speakers were selected before it" if len(selected) == count else ""


def word_spectrograms(variant: str) -> NDArray[np.float64]:
    """Return the spectrograms of all words in dB, (words, bands, frames), relative to each word's strongest band.

    The time axis of every word is sampled at FRAMES evenly spaced frames.

    Raises:
        VoiceError: the voice cannot be used, or is silent in a word.
    """
    from scipy.signal import stft

    speech = speak(LANGUAGE, variant, [Utterance(word) for word in WORDS])
    resample = Resampler(speech.sample_rate)
    levels = []
    for word, samples in zip(WORDS, speech.samples, strict=True):
        if np.abs(samples.astype(np.int32)).max(initial=0) < SILENT:
            raise VoiceError(f"silent in '{word}'")
        # Power in BANDS bands of equal width, (BANDS, time), from a spectrum of (frequencies, time).
        _, _, spectrum = stft(resample(trim(samples)), nperseg=2 * BANDS * BINS_PER_BAND)
        bins = np.abs(spectrum[: BANDS * BINS_PER_BAND]) ** 2
        power = bins.reshape(BANDS, BINS_PER_BAND, -1).sum(axis=1)
        level = 10 * np.log10(np.maximum(power / power.max(), FLOOR))
        levels.append(level[:, np.linspace(0, level.shape[1] - 1, FRAMES).round().astype(int)])
    return np.array(levels)
