"""Operations on the samples of one recording."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.clips import SAMPLE_RATE_HZ

QUIET = 0.01
"""Of the peak (-40 dB). Samples below it, before the first and after the last one above it, are silence."""
FILTER_ZEROS = 10
"""Zero crossings of the interpolation filter on either side; fewer let frequencies above 4 kHz fold back audibly."""


def trim(x: NDArray[np.int16]) -> NDArray[np.int16]:
    """Without the silence at both ends; empty when all is silence."""
    level = np.abs(x.astype(np.int32))
    peak = level.max(initial=0)
    loud = np.flatnonzero(level > QUIET * peak)
    return x[loud[0] : loud[-1] + 1] if len(loud) else x[:0]


class Resampler:
    """From one sample rate to 8 kHz by a polyphase filter (Kaiser-windowed sinc), designed once.

    Args:
        sample_rate_hz: of the recordings.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        from scipy.signal import firwin

        common = int(np.gcd(sample_rate_hz, SAMPLE_RATE_HZ))
        self.up, self.down = SAMPLE_RATE_HZ // common, sample_rate_hz // common
        slower = max(self.up, self.down)
        self.filter = firwin(2 * FILTER_ZEROS * slower + 1, 1 / slower, window=("kaiser", 5.0))

    def __call__(self, x: NDArray[np.int16]) -> NDArray[np.float64]:
        """Samples (n,) in int16 units -> (ceil(n up / down),) in the same units."""
        from scipy.signal import resample_poly

        return resample_poly(x.astype(np.float64), self.up, self.down, window=self.filter)  # type: ignore[call-overload, no-any-return]


def coloured_noise(rng: np.random.Generator, samples: int, exponent: float) -> NDArray[np.float64]:
    """Gaussian noise with power falling as 1 / frequency**exponent: (samples,), mean square 1.

    exponent 0 is white, 1 is pink, 2 is brown.
    """
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequency = np.arange(len(spectrum), dtype=np.float64)
    frequency[0] = 1
    spectrum = spectrum * frequency ** (-exponent / 2)
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, samples)
    scaled: NDArray[np.float64] = noise / np.sqrt(np.mean(noise**2))
    return scaled


def to_int16(x: NDArray[np.float64]) -> NDArray[np.int16]:
    """Rounded to the nearest integer, clipped to the range of int16."""
    return np.clip(np.rint(x), -32768, 32767).astype(np.int16)
