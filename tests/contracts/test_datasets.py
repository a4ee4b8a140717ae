"""Every built-in data set keeps the contract."""

import numpy as np

from hpstudy.data import DATASETS
from hpstudy.data.audiomnist import AudioMnist
from hpstudy.data.cifar import Cifar10, Cifar100
from hpstudy.data.fsdd import SPEAKERS, Fsdd
from hpstudy.data.imagenet import ImageNet
from hpstudy.data.speech_digits import SpeechDigits
from hpstudy.testing.datasets import ImageFolderContract, ImageSetContract, SpokenDigitsContract
from tests.support.originals import write_audiomnist, write_cifar, write_image_folder, write_wav


def write_noise(path, rng, sample_rate):
    write_wav(path, rng.integers(-3000, 3000, int(rng.integers(sample_rate // 10, sample_rate // 4))), sample_rate)


class TestSpeechDigits(SpokenDigitsContract):
    @classmethod
    def data(cls):
        return SpeechDigits(speakers=5, repetitions=5)

    @classmethod
    def source(cls, folder):
        return None


class TestFsdd(SpokenDigitsContract):
    @classmethod
    def data(cls):
        return Fsdd(repetitions=21)

    @classmethod
    def source(cls, folder):
        rng = np.random.default_rng(0)
        for speaker in SPEAKERS:
            for digit in range(10):
                for repetition in range(21):
                    write_noise(folder / "recordings" / f"{digit}_{speaker}_{repetition}.wav", rng, 8000)
        return folder


class TestAudioMnist(SpokenDigitsContract):
    @classmethod
    def data(cls):
        return AudioMnist(speakers=15, repetitions=5)

    @classmethod
    def source(cls, folder):
        return write_audiomnist(folder, speakers=15, repetitions=5)


class TestCifar10(ImageSetContract):
    @classmethod
    def data(cls):
        return Cifar10()

    @classmethod
    def source(cls, folder):
        return write_cifar(folder, Cifar10())


class TestCifar100(ImageSetContract):
    @classmethod
    def data(cls):
        return Cifar100()

    @classmethod
    def source(cls, folder):
        return write_cifar(folder, Cifar100())


class TestImageNet(ImageFolderContract):
    @classmethod
    def data(cls):
        return ImageNet()

    @classmethod
    def source(cls, folder):
        return write_image_folder(folder, [f"n{number:08}" for number in range(1000)])


def test_every_registered_data_set_is_under_contract():
    assert {DATASETS.load(name) for name in DATASETS} == {SpeechDigits, Fsdd, AudioMnist, Cifar10, Cifar100, ImageNet}
