"""Data sets of spoken digits and of images: originals, arrays, features, splits."""

from hpstudy.data.datasets import DATASETS, check_kind, dataset_names
from hpstudy.data.features import FeatureSet, load_features
from hpstudy.data.image_folder import ImageFolder
from hpstudy.data.image_set import ImageSet
from hpstudy.data.images import Images, load_images, split_rows, subset_rows
from hpstudy.data.listed import Listed, ListedImages, open_listed
from hpstudy.data.settings import FeatureSettings
from hpstudy.data.splitting import check_split, split
from hpstudy.data.spoken_digits import Split, SpokenDigits

__all__ = [
    "DATASETS",
    "FeatureSet",
    "FeatureSettings",
    "ImageFolder",
    "ImageSet",
    "Images",
    "Listed",
    "ListedImages",
    "Split",
    "SpokenDigits",
    "check_kind",
    "check_split",
    "dataset_names",
    "load_features",
    "load_images",
    "open_listed",
    "split",
    "split_rows",
    "subset_rows",
]
