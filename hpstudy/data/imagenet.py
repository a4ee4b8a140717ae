"""ImageNet (ILSVRC2012), Russakovsky et al., "ImageNet Large Scale Visual Recognition Challenge", IJCV 2015.

https://arxiv.org/abs/1409.0575
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from hpstudy.data.image_folder import ImageFolder


class ImageNet(ImageFolder):
    """1,281,167 training and 50,000 validation photographs of 1,000 classes, named by their WordNet IDs (wnids).

    The classes are sorted by wnid, as in torchvision and its trained networks.
    """

    name = "imagenet"
    licence = "non-commercial research and education: the terms of access of image-net.org, which users accept at registration"
    originals = (
        "register at https://image-net.org/download.php, get the training images, validation images and development kit (tasks 1 and 2) of "
        "ILSVRC2012, and arrange the images as train/WNID/FILE and val/WNID/FILE; torchvision.datasets.ImageNet(FOLDER, 'train') and "
        "(FOLDER, 'val') unpack and sort them in this way"
    )
    class_count = 1000
    published: ClassVar[Mapping[str, int]] = {"train": 1_281_167, "test": 50_000}
