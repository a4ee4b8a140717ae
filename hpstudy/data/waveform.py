"""Waveform features."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PERCENTILE = 95
OFFSET = 0.001
LEAST_SHARE = 0.05
"""Of the clip's peak. The percentile counts the zeros around the word: where a word fills less than a tenth of its window it is near
0, and without this bound the clip would be amplified without limit. Larger would change ordinary clips too."""


def waveform(audio: NDArray[np.int16]) -> NDArray[np.float32]:
    """Samples on a common scale: x / (max(p, 0.05 max|x|) + 0.001), with p the 95th percentile of the signed samples.

    Args:
        audio: (batch, samples) int16.

    Returns:
        (batch, samples), without unit.

    Source: AudioMNIST (Becker et al.), preprocess_data.py, "AudioNet"; the bound by the peak is ours.
    """
    x = audio.astype(np.float64)
    scale = np.percentile(x, PERCENTILE, axis=1, keepdims=True)
    peak = np.abs(x).max(axis=1, keepdims=True)
    scaled: NDArray[np.float32] = (x / (np.maximum(scale, LEAST_SHARE * peak) + OFFSET)).astype(np.float32)
    return scaled
