"""Which of a synthesiser's voices count as speakers: those that speak, and that differ from each other."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.espeak import Utterance, VoiceError, speak
from hpstudy.data.sound import Resampler, trim

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LANGUAGE = "en"
"""All voices audition in the same accent, so that only the voice differs."""
LEAST_DISTANCE_DB = 3.0
"""Between any two speakers. eSpeak NG 1.52 has 104 variants, some of them copies: 80 are 2 dB apart, 60 are 3 dB, 37 are 4 dB."""
SILENT = 328
"""Peak, in int16 units (1 % of full scale); a voice that stays below it in some word does not speak."""
FRAMES, BANDS, BINS_PER_BAND = 20, 16, 8
AT_ONCE = 8
"""Voices heard before the next look at whether there are enough."""
FLOOR = 1e-3
"""Of a word's strongest band: 30 dB below it differences are inaudible and do not count."""


@dataclass
class Audition:
    """Variants that became speakers, in order, and why each of the others did not."""

    speakers: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def audition(variants: Iterable[str], wanted: int, workers: int) -> Audition:
    """Take variants in order, each one that speaks and is LEAST_DISTANCE_DB or more from all speakers before it.

    The distance of two voices is the root mean square difference, in dB, of their `portrait`s.

    Args:
        variants: in order of preference.
        wanted: maximum number of speakers.
        workers: processes that speak side by side; the result does not depend on it.
    """
    result = Audition()
    portraits: list[NDArray[np.float64]] = []

    names = list(variants)
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(names), AT_ONCE):
            if len(result.speakers) == wanted:
                result.left_out.update(dict.fromkeys(names[start:], f"not needed: {wanted} speakers come before it"))
                break
            some = names[start : start + AT_ONCE]
            for variant, heard in zip(some, pool.map(_hear, some), strict=True):
                reason = heard if isinstance(heard, str) else _judge(result, portraits, heard, wanted)
                if reason or isinstance(heard, str):
                    result.left_out[variant] = reason
                else:
                    result.speakers.append(variant)
                    portraits.append(heard)
    return result


def _hear(variant: str) -> NDArray[np.float64] | str:
    """A voice's portrait, or why it has none."""
    try:
        return portrait(variant)
    except VoiceError as error:
        return str(error)


def _judge(result: Audition, portraits: list[NDArray[np.float64]], heard: NDArray[np.float64], wanted: int) -> str:
    """Why a voice that speaks does not become the next speaker; "" when it does."""
    distances = [float(np.sqrt(np.mean((heard - other) ** 2))) for other in portraits]
    if distances and min(distances) < LEAST_DISTANCE_DB:
        return f"only {min(distances):.1f} dB from {result.speakers[int(np.argmin(distances))]}"
    return f"not needed: {wanted} speakers come before it" if len(portraits) == wanted else ""


def portrait(variant: str) -> NDArray[np.float64]:
    """How a voice sounds: level in dB, (words, bands, frames), relative to each word's strongest band, time stretched to FRAMES.

    Raises:
        VoiceError: the voice does not speak, or is silent in some word.
    """
    from scipy.signal import stft

    speech = speak(LANGUAGE, variant, [Utterance(word) for word in WORDS])
    resample = Resampler(speech.sample_rate)
    levels = []
    for word, samples in zip(WORDS, speech.samples, strict=True):
        if np.abs(samples.astype(np.int32)).max(initial=0) < SILENT:
            raise VoiceError(f"silent in '{word}'")
        _, _, spectrum = stft(resample(trim(samples)), nperseg=2 * BANDS * BINS_PER_BAND)
        bins = np.abs(spectrum[: BANDS * BINS_PER_BAND]) ** 2
        power = bins.reshape(BANDS, BINS_PER_BAND, -1).sum(axis=1)
        level = 10 * np.log10(np.maximum(power / power.max(), FLOOR))
        levels.append(level[:, np.linspace(0, level.shape[1] - 1, FRAMES).round().astype(int)])
    return np.array(levels)
