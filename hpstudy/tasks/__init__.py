"""What is trained: tasks turn a point and a seed into metrics."""

from hpstudy.registry import Entry, Registry

TASKS = Registry(
    "task",
    'write "my_module:my_function" in the study file; the module is looked for beside it first',
    {
        "audio_mlp": Entry("a binary multilayer perceptron on spoken digits", "hpstudy.tasks.audio:AudioMLP"),
        "branin": Entry("the Branin function, 2-D, with noise", "hpstudy.tasks.functions:Branin"),
        "cifar": Entry("a binary convolutional network on small images", "hpstudy.tasks.cifar:Cifar"),
        "command": Entry("a program of your own, run by its command line", "hpstudy.tasks.command.task:Command"),
        "hartmann6": Entry("the Hartmann function, 6-D, with noise", "hpstudy.tasks.functions:Hartmann6"),
        "imagenet": Entry("a binary convolutional network on photographs of any size", "hpstudy.tasks.imagenet:ImageNet"),
    },
)
