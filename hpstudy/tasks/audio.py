"""A binary multilayer perceptron on spoken digits: the task of the paper's section 4.2 (Figure 8)."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator, model_validator

from hpstudy.bnn.settings import TrainSettings
from hpstudy.data import FeatureSettings, SpokenDigits, check_kind, check_split
from hpstudy.described import DescribedModel
from hpstudy.errors import DataError, UsageError
from hpstudy.seeds import derive_seed
from hpstudy.tasks.binary_network import BinaryNetworkTask

if TYPE_CHECKING:
    import torch
    from torch import nn

    from hpstudy.bnn.batches import Data
    from hpstudy.bnn.binarize import BinaryActivation
    from hpstudy.data import FeatureSet, Split

DIGITS = 10
"""Classes: the spoken digits 0 to 9."""


class SplitSettings(DescribedModel):
    """Split of the clips into training, validation and test parts."""

    by: Literal["speaker", "repetition"] = "speaker"
    """speaker: every speaker is in one part only; repetition: every speaker is in all parts."""
    fold: int = Field(default=0, ge=0)
    """Index of the fold."""


class AudioSettings(TrainSettings):
    """Settings of the audio task. configs/tasks/ sets what the paper leaves open; docs/explanation/measurements.md has the reasons."""

    dataset: str = "speech_digits"
    """A data set of `hpstudy list data`."""
    split: SplitSettings = SplitSettings()
    """Split of the clips into training, validation and test parts."""
    features: FeatureSettings = FeatureSettings()
    """Features of a clip. Every feature is standardized with the mean and deviation of the training clips."""
    train_clips: int | None = Field(default=None, ge=10)
    """Number of training clips, drawn once and the same in every trial. Default: all."""
    widths: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(256, 256, 256), min_length=1)
    """Number of outputs of every layer except the last."""

    @field_validator("dataset")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            check_kind(name, SpokenDigits)
        except UsageError as error:
            raise ValueError(error.message) from error
        return name

    @field_validator("top_k")
    @classmethod
    def _among_the_digits(cls, top_k: int | None) -> int | None:
        if top_k is not None and top_k > DIGITS:
            raise ValueError(f"there are {DIGITS} classes: valid: 2 to {DIGITS}")
        return top_k

    @model_validator(mode="after")
    def _divisible(self) -> AudioSettings:
        try:
            check_split(self.dataset, self.split.by, self.split.fold)
        except DataError as error:
            raise ValueError(f"{error.message} ({error.hint})") from error
        return self


class AudioMLP(BinaryNetworkTask):
    """A multilayer perceptron with a real first layer and binary layers, which the method of the view trains."""

    Settings = AudioSettings
    settings: AudioSettings
    stacks = True

    def check_data(self) -> None:
        """Compute the features if they are not in the cache, and check the number of training clips."""
        audio_data.cache_clear()
        selected(self.settings.dataset, self.settings.split, self.settings.features, self.settings.train_clips)

    def data(self) -> Data:
        """Return the features, from the cache or computed, in three parts."""
        settings = self.settings
        return audio_data(settings.dataset, settings.split, settings.features, settings.train_clips, settings.device)

    def identity(self) -> dict[str, str]:
        """Return the checksum of the features, which covers recordings and preprocessing."""
        from hpstudy.data import load_features

        return {f"features of {self.settings.dataset}": load_features(self.settings.dataset, self.settings.features).checksum}

    def network(self, activation: BinaryActivation, generator: torch.Generator) -> nn.Module:
        """Create a multilayer perceptron on the device."""
        from hpstudy.bnn.layers import to_device
        from hpstudy.bnn.networks.mlp import BinaryMLP

        features = next(self.data().train.in_order(1)).shape[1]
        return to_device(BinaryMLP(features, self.settings.widths, DIGITS, activation, generator), self.settings.device)


def selected(
    dataset: str, split_by: SplitSettings, features: FeatureSettings, train_clips: int | None
) -> tuple[FeatureSet, Split]:
    """Return the features, from the cache or computed, and the rows of the three parts.

    Raises:
        DataError: the recordings are not on this machine, or the training part is smaller than `train_clips`.
    """
    import numpy as np

    from hpstudy.data import load_features, split

    loaded = load_features(dataset, features)
    rows = split(dataset, loaded, by=split_by.by, fold=split_by.fold, seed=0)
    if train_clips is None:
        return loaded, rows
    if train_clips > len(rows.train):
        raise DataError(
            f"train_clips is {train_clips}, but this split of {dataset} has {len(rows.train)} training clips",
            "lower task.train_clips, or remove it to train on all clips",
        )
    drawn = np.random.default_rng(derive_seed(0, "train_clips")).permutation(rows.train)[:train_clips]
    return loaded, replace(rows, train=np.sort(drawn))


@lru_cache(maxsize=2)
def audio_data(dataset: str, split_by: SplitSettings, features: FeatureSettings, train_clips: int | None, device: str) -> Data:
    """Return the parts as tensors on the device. They are loaded and standardized once per process and shared by its trials.

    x <- (x - mean) / deviation for every feature, over the selected training clips. A constant feature becomes 0.

    Raises:
        DataError: as in `selected`.
    """
    import numpy as np
    import torch

    from hpstudy.bnn.batches import Data, InMemory

    loaded, rows = selected(dataset, split_by, features, train_clips)
    # Mean and deviation of every feature, (d,).
    mean = loaded.x[rows.train].mean(axis=0)
    deviation = loaded.x[rows.train].std(axis=0)
    deviation[deviation == 0] = 1

    def part(numbers: np.ndarray) -> InMemory:
        x = (loaded.x[numbers] - mean) / deviation
        y = np.asarray(loaded.digit[numbers], dtype=np.int64)
        return InMemory(torch.from_numpy(x.astype(np.float32)).to(device), torch.from_numpy(y).to(device))

    return Data(part(rows.train), part(rows.validation), part(rows.test))
