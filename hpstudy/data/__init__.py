"""Data sets of spoken digits: recordings, features, splits."""

from hpstudy.data.dataset import Split
from hpstudy.data.datasets import DATASETS
from hpstudy.data.features import FeatureSet, load_features
from hpstudy.data.settings import FeatureSettings
from hpstudy.data.splitting import check_split, split

__all__ = ["DATASETS", "FeatureSet", "FeatureSettings", "Split", "check_split", "load_features", "split"]
