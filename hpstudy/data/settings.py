"""Settings of features. Importable without torch, so that a study is checked fast."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from hpstudy.data.clips import CLIP_SAMPLES, SAMPLE_RATE_HZ
from hpstudy.described import DescribedModel


class FeatureSettings(DescribedModel):
    """Settings of the features of a clip of one second at 8 kHz."""

    kind: Literal["log_mel", "waveform"] = "log_mel"
    """log_mel: energies in mel bands over time, in dB. waveform: the 8000 samples, divided by their 95th percentile."""
    n_mels: int = Field(default=24, ge=4, le=128)
    """Number of mel bands."""
    n_fft: int = Field(default=256, ge=64, le=2048)
    """Length of the Hann window, in samples (256 = 32 ms)."""
    hop: int = Field(default=256, ge=40, le=CLIP_SAMPLES)
    """Distance between frames in samples; a clip has 1 + 8000 // hop frames."""
    f_min: float = Field(default=60.0, ge=0)
    """Lower edge of the lowest band in Hz."""
    f_max: float = Field(default=SAMPLE_RATE_HZ / 2, gt=0, le=SAMPLE_RATE_HZ / 2)
    """Upper edge of the highest band in Hz."""
    range_db: float = Field(default=60.0, gt=0, le=200)
    """Dynamic range of a clip in dB: lower energies are raised to this distance below the strongest one."""
    normalise: Literal["none", "clip", "band"] = "clip"
    """Mean that is subtracted in dB: none, the mean of the clip (removes loudness), or the mean of each band over the clip (also removes
    the timbre of the voice and microphone)."""

    @model_validator(mode="after")
    def _all_keys_act(self) -> Self:
        if self.f_min >= self.f_max:
            raise ValueError(f"f_min ({self.f_min:g} Hz) must be below f_max ({self.f_max:g} Hz)")
        if self.kind == "waveform":
            defaults = type(self).model_fields
            idle = [name for name in defaults if name != "kind" and getattr(self, name) != defaults[name].default]
            if idle:
                raise ValueError(f"{', '.join(idle)} would have no effect: waveform features have no settings")
        return self

    @property
    def shape(self) -> tuple[int, int]:
        """(frames, values per frame)."""
        return (1 + CLIP_SAMPLES // self.hop, self.n_mels) if self.kind == "log_mel" else (CLIP_SAMPLES, 1)
