"""Training methods of binary networks: what a view's hyperparameters do to the binary weights."""

from hpstudy.registry import Entry, Registry

METHODS = Registry(
    "method",
    'subclass hpstudy.bnn.methods.interface.Method and write "my_module:MyMethod" in the view',
    {
        "filter": Entry("two cascaded gradient filters; no latent weights (Eq. 11-13)", "hpstudy.bnn.methods.filter:Filter"),
        "latent_sgd": Entry("latent weights under SGD with momentum (Eq. 1-5)", "hpstudy.bnn.methods.latent_sgd:LatentSGD"),
    },
)
