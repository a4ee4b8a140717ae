"""The table of data sets."""

from hpstudy.registry import Entry, Registry

DATASETS = Registry(
    "data set",
    'give "my_module:MyDigits" for a set of your own, a subclass of hpstudy.data.dataset.DataSet (docs/data.md)',
    {
        "speech_digits": Entry(
            "18,000 digits by 60 synthetic voices, made on this machine on first use", "hpstudy.data.speech_digits:SpeechDigits"
        ),
        "fsdd": Entry("Free Spoken Digit Dataset: 3,000 digits by 6 people", "hpstudy.data.fsdd:Fsdd"),
        "audiomnist": Entry("AudioMNIST: 30,000 digits by 60 people", "hpstudy.data.audiomnist:AudioMnist"),
    },
)
