"""Log-mel spectrograms."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpstudy.data.clips import SAMPLE_RATE_HZ
from hpstudy.data.settings import FeatureSettings
from hpstudy.data.without_cuda import import_without_cuda
from hpstudy.errors import DataError

FULL_SCALE = 32768.0
EPSILON = 1e-10
"""Added to energies. This is -100 dB, far below one int16 quantization step, so that it affects only silence."""


def mel_transform(settings: FeatureSettings) -> Any:
    """Return torchaudio's transform of samples, (batch, samples), to energies, (batch, n_mels, frames).

    Raises:
        DataError: a band is so narrow that it contains no frequency of the Fourier transform.
    """
    transforms = import_without_cuda(
        "torchaudio.transforms",
        "torchaudio._extension",
        _IS_TORCHAUDIO_EXT_AVAILABLE=False,
        _IS_ALIGN_AVAILABLE=False,
        fail_if_no_align=lambda function: function,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return transforms.MelSpectrogram(
                sample_rate=SAMPLE_RATE_HZ,
                n_fft=settings.n_fft,
                hop_length=settings.hop,
                f_min=settings.f_min,
                f_max=settings.f_max,
                n_mels=settings.n_mels,
                power=2.0,
                center=True,
                pad_mode="constant",
            )
        except UserWarning as warning:
            raise DataError(
                f"{settings.n_mels} mel bands are too many for windows of {settings.n_fft} samples: some band would be empty",
                "lower features.n_mels or raise features.n_fft",
            ) from warning


def log_mel(audio: NDArray[np.int16], settings: FeatureSettings, transform: Any) -> NDArray[np.float32]:
    """Compute energies in mel bands in dB, with a floor and centered per clip.

        e = MelSpectrogram(audio / 32768);  l = 10 log10(e + 1e-10);  l <- max(l, max(l) - range_db);  l <- l - mean

    The mean is over the clip or over each band (`FeatureSettings.normalise`).

    Args:
        audio: (batch, samples) int16 at 8 kHz.
        settings: settings of kind log_mel.
        transform: the transform of `mel_transform`.

    Returns:
        (batch, frames * n_mels) in dB, frame by frame.
    """
    import torch

    # energy and level: (batch, frames, n_mels).
    energy = transform(torch.from_numpy(audio.astype(np.float32) / FULL_SCALE)).transpose(1, 2)
    level = 10 * torch.log10(energy + EPSILON)
    level = torch.maximum(level, level.amax(dim=(1, 2), keepdim=True) - settings.range_db)
    if settings.normalise == "clip":
        level = level - level.mean(dim=(1, 2), keepdim=True)
    elif settings.normalise == "band":
        level = level - level.mean(dim=1, keepdim=True)
    features: NDArray[np.float32] = level.flatten(1).numpy()
    return features
