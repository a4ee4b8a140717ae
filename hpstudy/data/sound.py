"""Signal processing of single recordings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.clips import SAMPLE_RATE_HZ

QUIET = 0.01
"""Silence threshold relative to the peak (-40 dB). Samples before the first and after the last sample above it are silence."""
FILTER_ZEROS = 10
"""Zero crossings of the interpolation filter on either side. With fewer, aliasing of frequencies above 4 kHz is audible."""


def trim(x: NDArray[np.int16]) -> NDArray[np.int16]:
    """Remove silence at both ends of samples (n,). Returns an empty array if all samples are silence."""
    level = np.abs(x.astype(np.int32))
    peak = level.max(initial=0)
    loud = np.flatnonzero(level > QUIET * peak)
    return x[loud[0] : loud[-1] + 1] if len(loud) else x[:0]


class Resampler:
    """Resample to 8 kHz with a polyphase filter (Kaiser-windowed sinc) that is designed once.

    Args:
        sample_rate_hz: sample rate of the recordings in Hz.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        from scipy.signal import firwin

        common = int(np.gcd(sample_rate_hz, SAMPLE_RATE_HZ))
        self.up, self.down = SAMPLE_RATE_HZ // common, sample_rate_hz // common
        slower = max(self.up, self.down)
        self.filter = firwin(2 * FILTER_ZEROS * slower + 1, 1 / slower, window=("kaiser", 5.0))

    def __call__(self, x: NDArray[np.int16]) -> NDArray[np.float64]:
        """Resample (n,) samples in int16 units to (ceil(n up / down),) samples in the same units."""
        from scipy.signal import resample_poly

        return resample_poly(x.astype(np.float64), self.up, self.down, window=self.filter)  # type: ignore[call-overload, no-any-return]


def colored_noise(rng: np.random.Generator, samples: int, exponent: float) -> NDArray[np.float64]:
    """Draw Gaussian noise with a power spectrum proportional to 1 / frequency**exponent: (samples,), mean square 1.

    Exponent 0 is white noise, 1 is pink noise, 2 is brown noise.
    """
    # Filter white noise in the frequency domain: (samples // 2 + 1,) amplitudes, without the constant component.
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    frequency = np.arange(len(spectrum), dtype=np.float64)
    frequency[0] = 1
    spectrum = spectrum * frequency ** (-exponent / 2)
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, samples)
    scaled: NDArray[np.float64] = noise / np.sqrt(np.mean(noise**2))
    return scaled


def to_int16(x: NDArray[np.float64]) -> NDArray[np.int16]:
    """Round to the nearest integer and clip to the range of int16."""
    return np.clip(np.rint(x), -32768, 32767).astype(np.int16)
