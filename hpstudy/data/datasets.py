"""Registry of data sets."""

from __future__ import annotations

from hpstudy.data.dataset import DataSet
from hpstudy.errors import PluginError, UsageError, nearest
from hpstudy.registry import Entry, Registry

DATASETS = Registry(
    "data set",
    'for your own data set give "my_module:MySet", a subclass of SpokenDigits, ImageSet or ImageFolder of hpstudy.data '
    "(docs/reference/data.md)",
    {
        "speech_digits": Entry(
            "18,000 digits by 60 synthetic voices, generated on this machine on first use",
            "hpstudy.data.speech_digits:SpeechDigits",
        ),
        "fsdd": Entry("Free Spoken Digit Dataset: 3,000 digits by 6 people", "hpstudy.data.fsdd:Fsdd"),
        "audiomnist": Entry("AudioMNIST: 30,000 digits by 60 people", "hpstudy.data.audiomnist:AudioMnist"),
        "cifar10": Entry("CIFAR-10: 60,000 small color images of 10 classes", "hpstudy.data.cifar:Cifar10"),
        "cifar100": Entry("CIFAR-100: 60,000 small color images of 100 classes", "hpstudy.data.cifar:Cifar100"),
        "imagenet": Entry("ImageNet (ILSVRC2012): 1.3 million photographs of 1,000 classes", "hpstudy.data.imagenet:ImageNet"),
    },
)


REQUIRED = ("name", "version", "licence")
"""Attributes that every data set must define."""


def load(name: str) -> type[DataSet]:
    """Return the class of a data set.

    Raises:
        UsageError: there is no such data set; the hint has the nearest name.
        PluginError: a user's data set cannot be imported, or is incomplete.
    """
    dataset = DATASETS.load(name)
    if not (isinstance(dataset, type) and issubclass(dataset, DataSet)):
        raise PluginError(f"'{name}' is not a data set", DATASETS.extend)
    abstract = sorted(getattr(dataset, "__abstractmethods__", ()))
    if missing := [*abstract, *(each for each in REQUIRED if not hasattr(dataset, each))]:
        raise PluginError(f"the data set '{name}' does not define {', '.join(missing)}", DATASETS.extend)
    return dataset


def dataset_names(kind: type[object]) -> list[str]:
    """Return the names of the built-in data sets of a kind (`SpokenDigits`, `ImageSet`, `ImageFolder`, or `DataSet` for all)."""
    return [name for name in DATASETS if issubclass(load(name), kind)]


def check_kind(name: str, kind: type[object]) -> None:
    """Check that `name` is a data set of a kind (see `dataset_names`).

    Raises:
        UsageError: it is not; the message has the valid names.
        PluginError: a user's data set cannot be imported, or is incomplete.
    """
    if name not in DATASETS:
        raise UsageError(f"no data set is called '{name}': {nearest(name, dataset_names(kind))}", DATASETS.extend)
    if not issubclass(dataset := load(name), kind):
        needed = getattr(kind, "kind", "data")
        raise UsageError(
            f"the data set '{name}' contains {dataset.kind}, but {needed} are needed: valid: {', '.join(dataset_names(kind))}",
            DATASETS.extend,
        )
