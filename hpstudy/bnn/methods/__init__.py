"""Training methods of binary networks: the update rules of binary weights and their hyperparameters."""

from hpstudy.registry import Entry, Registry

METHODS = Registry(
    "method",
    'subclass hpstudy.bnn.methods.interface.Method and write "my_module:MyMethod" in the view',
    {
        "bop": Entry("one gradient filter with a threshold (Helwegen et al. 2019)", "hpstudy.bnn.methods.bop:Bop"),
        "bop2": Entry(
            "one gradient filter with a threshold relative to its second moment (Suarez-Ramirez et al. 2021)",
            "hpstudy.bnn.methods.bop2:Bop2ndOrder",
        ),
        "filter": Entry("two cascaded gradient filters; no latent weights (Eq. 11-13)", "hpstudy.bnn.methods.filter:Filter"),
        "filter_biquad": Entry("a gradient filter with complex poles", "hpstudy.bnn.methods.filter_biquad:BiquadFilter"),
        "filter_cascade": Entry(
            "a slow gradient filter and 1 to 3 fast ones in series (Eq. 14)", "hpstudy.bnn.methods.filter_cascade:CascadeFilter"
        ),
        "filter_equal": Entry("1 to 4 gradient filters of one rate in series", "hpstudy.bnn.methods.filter_equal:EqualFilter"),
        "filter_fir": Entry("the mean of the most recent gradients", "hpstudy.bnn.methods.filter_fir:FIRFilter"),
        "irnet": Entry(
            "standardized latent weights, a surrogate derivative that sharpens (IR-Net)", "hpstudy.bnn.methods.irnet:IRNet"
        ),
        "latent_adam": Entry("latent weights under Adam", "hpstudy.bnn.methods.latent_adam:LatentAdam"),
        "latent_lars": Entry("latent weights under LARS: layer-wise steps", "hpstudy.bnn.methods.lars:LatentLARS"),
        "latent_sgd": Entry("latent weights under SGD with momentum (Eq. 1-5)", "hpstudy.bnn.methods.latent_sgd:LatentSGD"),
        "ovsw": Entry("latent weights under SGD, with measures against silent weights (OvSW)", "hpstudy.bnn.methods.ovsw:OvSW"),
        "rbnn": Entry("latent weights rotated toward their signs (RBNN)", "hpstudy.bnn.methods.rbnn:RBNN"),
        "real": Entry("real weights under SGD: the reference without binary weights", "hpstudy.bnn.methods.real:RealSGD"),
        "recu": Entry("latent weights under SGD with a rectified clamp (ReCU)", "hpstudy.bnn.methods.recu:ReCU"),
        "slb": Entry("soft weights that become binary with a rising inverse temperature (SLB)", "hpstudy.bnn.methods.slb:SLB"),
    },
)
