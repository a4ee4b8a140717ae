"""Training methods of binary networks: what a view's hyperparameters do to the binary weights."""

from hpstudy.registry import Entry, Registry

METHODS = Registry(
    "method",
    "write a subclass of hpstudy.bnn.methods.interface.Method and add a line to METHODS in hpstudy/bnn/methods/__init__.py",
    {
        "filter": Entry("two cascaded gradient filters; no latent weights (Eq. 11-13)", "hpstudy.bnn.methods.filter:Filter"),
        "latent_sgd": Entry("latent weights under SGD with momentum (Eq. 1-5)", "hpstudy.bnn.methods.latent_sgd:LatentSGD"),
    },
)
