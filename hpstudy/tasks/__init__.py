"""Tasks: they train a model at a point with a seed, and return metrics."""

from hpstudy.registry import Entry, Registry

TASKS = Registry(
    "task",
    'write "my_module:my_function" in the study file; the folder of the study file is searched first',
    {
        "audio_mlp": Entry("a binary multilayer perceptron on spoken digits", "hpstudy.tasks.audio:AudioMLP"),
        "branin": Entry("the Branin function, 2-D, with noise", "hpstudy.tasks.functions:Branin"),
        "cifar": Entry("a binary convolutional network on small images", "hpstudy.tasks.cifar:Cifar"),
        "command": Entry("your own program, started with a command line", "hpstudy.tasks.command.task:Command"),
        "hartmann6": Entry("the Hartmann function, 6-D, with noise", "hpstudy.tasks.functions:Hartmann6"),
        "imagenet": Entry("a binary convolutional network on photographs of any size", "hpstudy.tasks.imagenet:ImageNet"),
    },
)
