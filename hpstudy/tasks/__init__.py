"""What is trained: tasks turn a point and a seed into metrics."""

from hpstudy.registry import Entry, Registry

TASKS = Registry(
    "task",
    'give "my_module:my_function" for a function of your own, or add a line to TASKS in hpstudy/tasks/__init__.py',
    {
        "audio_mlp": Entry("a binary multilayer perceptron on spoken digits", "hpstudy.tasks.audio:AudioMLP"),
        "branin": Entry("the Branin function, 2-D, with noise", "hpstudy.tasks.functions:Branin"),
        "hartmann6": Entry("the Hartmann function, 6-D, with noise", "hpstudy.tasks.functions:Hartmann6"),
    },
)
