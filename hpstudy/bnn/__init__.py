"""Binary networks: layers, training methods, training. Knows nothing of studies.

Quist, Li and van Gemert, "Understanding weight-magnitude hyperparameters in training binary networks", ICLR 2023, is called
"the paper" in this package; equation numbers are its own.
"""
