"""A binary multilayer perceptron on spoken digits: the task of the paper's section 4.2 (Figure 8)."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator, model_validator

from hpstudy.bnn.settings import Settings, TrainSettings
from hpstudy.data import FeatureSettings, SpokenDigits, check_kind, check_split
from hpstudy.errors import DataError, UsageError
from hpstudy.seeds import derive_seed
from hpstudy.tasks.binary_network import BinaryNetworkTask

if TYPE_CHECKING:
    import torch
    from torch import nn

    from hpstudy.bnn.batches import Data
    from hpstudy.bnn.binarize import BinaryActivation

DIGITS = 10
"""Classes: the spoken digits 0 to 9."""


class SplitSettings(Settings):
    """How clips are divided into training, validation and test."""

    by: Literal["speaker", "repetition"] = "speaker"
    """speaker: no speaker stands in two parts; repetition: every speaker stands in all parts."""
    fold: int = Field(default=0, ge=0)
    """Which division."""


class AudioSettings(TrainSettings):
    """Settings of the audio task. What the paper leaves open is chosen in configs/tasks/; docs/explanation/measurements.md says why."""

    dataset: str = "speech_digits"
    """A data set of `hpstudy list data`."""
    split: SplitSettings = SplitSettings()
    """Which clips are for training, for the search, and for the test."""
    features: FeatureSettings = FeatureSettings()
    """What the network sees of a clip; every feature is standardised with the training clips' mean and deviation."""
    train_clips: int | None = Field(default=None, ge=10)
    """Number of training clips, drawn once and the same in every trial. Default: all."""
    widths: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(256, 256, 256), min_length=1)
    """Outputs of every layer but the last."""

    @field_validator("dataset")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            check_kind(name, SpokenDigits)
        except UsageError as error:
            raise ValueError(error.message) from error
        return name

    @model_validator(mode="after")
    def _divisible(self) -> AudioSettings:
        try:
            check_split(self.dataset, self.split.by, self.split.fold)
        except DataError as error:
            raise ValueError(f"{error.message} ({error.hint})") from error
        return self


class AudioMLP(BinaryNetworkTask):
    """Real first layer, then binary layers, trained by the view's method."""

    Settings = AudioSettings
    settings: AudioSettings
    stacks = True

    def data(self) -> Data:
        """The features, computed or found in the cache, and split."""
        settings = self.settings
        return audio_data(settings.dataset, settings.split, settings.features, settings.train_clips, settings.device)

    def identity(self) -> dict[str, str]:
        """The checksum of the features, which covers recordings and preprocessing."""
        from hpstudy.data import load_features

        return {f"features of {self.settings.dataset}": load_features(self.settings.dataset, self.settings.features).checksum}

    def network(self, activation: BinaryActivation, generator: torch.Generator) -> nn.Module:
        """A multilayer perceptron, on the device."""
        from hpstudy.bnn.layers import placed
        from hpstudy.bnn.networks.mlp import BinaryMLP

        features = next(self.data().train.in_order(1)).shape[1]
        return placed(BinaryMLP(features, self.settings.widths, DIGITS, activation, generator), self.settings.device)


@lru_cache(maxsize=2)
def audio_data(dataset: str, split_by: SplitSettings, features: FeatureSettings, train_clips: int | None, device: str) -> Data:
    """The parts as tensors on the device, loaded and standardised once per process and shared by its trials.

    x <- (x - mean) / deviation, for every feature, over the training clips that are used; a constant feature becomes 0.

    Raises:
        DataError: the recordings are not there, or the training part is smaller than `train_clips`.
    """
    import numpy as np
    import torch

    from hpstudy.bnn.batches import Data, InMemory
    from hpstudy.data import load_features, split

    loaded = load_features(dataset, features)
    rows = split(dataset, loaded, by=split_by.by, fold=split_by.fold, seed=0)
    train = np.asarray(rows.train)
    if train_clips is not None:
        if train_clips > len(train):
            raise DataError(
                f"train_clips is {train_clips}, but this split of {dataset} has {len(train)} training clips",
                "lower task.train_clips, or leave it out to train on all clips",
            )
        train = np.sort(np.random.default_rng(derive_seed(0, "train_clips")).permutation(train)[:train_clips])
    mean = loaded.x[train].mean(axis=0)
    deviation = loaded.x[train].std(axis=0)
    deviation[deviation == 0] = 1

    def part(numbers: np.ndarray) -> InMemory:
        x = (loaded.x[numbers] - mean) / deviation
        y = np.asarray(loaded.digit[numbers], dtype=np.int64)
        return InMemory(torch.from_numpy(x.astype(np.float32)).to(device), torch.from_numpy(y).to(device))

    return Data(part(train), part(rows.validation), part(rows.test))
