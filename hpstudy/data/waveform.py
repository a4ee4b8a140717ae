"""Normalized waveforms as features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PERCENTILE = 95
OFFSET = 0.001
MIN_SHARE = 0.05
"""Lower bound of the scale relative to the peak. The percentile includes the zeros around the word, so that it is near 0 if a word fills
less than a tenth of its window. Without this bound such a clip would be amplified without limit. Larger: ordinary clips change too."""


def waveform(audio: NDArray[np.int16]) -> NDArray[np.float32]:
    """Normalize samples: x / (max(p, 0.05 max|x|) + 0.001), with p the 95th percentile of the signed samples.

    Args:
        audio: (batch, samples) int16.

    Returns:
        (batch, samples), dimensionless.

    Source: AudioMNIST (Becker et al., https://github.com/soerenab/AudioMNIST), preprocess_data.py, "AudioNet". The bound by the peak
    is ours.
    """
    x = audio.astype(np.float64)
    scale = np.percentile(x, PERCENTILE, axis=1, keepdims=True)
    peak = np.abs(x).max(axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (x / (np.maximum(scale, MIN_SHARE * peak) + OFFSET)).astype(np.float32)
    return scaled
