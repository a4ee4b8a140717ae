"""Searchers: they propose the points of a search."""

from hpstudy.registry import Entry, Registry

SEARCHERS = Registry(
    "searcher",
    'subclass hpstudy.search.interface.Searcher and write "my_module:MySearcher" in the study file',
    {
        "ax": Entry(
            "Ax's default Bayesian optimization, by BoTorch, after an initial Sobol design", "hpstudy.search.ax:AxSearcher"
        ),
        "botorch": Entry(
            "as ax, with other optimizers: about half of the time per ask", "hpstudy.search.botorch:BoTorchSearcher"
        ),
        "cmaes": Entry("the evolution strategy CMA-ES, by Optuna", "hpstudy.search.samplers:CMAESSearcher"),
        "grid": Entry("all combinations of listed values or equally spaced levels", "hpstudy.search.grid:GridSearcher"),
        "points": Entry("the points listed in the study file, in order", "hpstudy.search.points:PointsSearcher"),
        "random": Entry("independent uniform points (on the declared scale)", "hpstudy.search.random:RandomSearcher"),
        "sobol": Entry("a scrambled Sobol sequence: quasi-random, space-filling", "hpstudy.search.sobol:SobolSearcher"),
        "tpe": Entry("the tree-structured Parzen estimator, by Optuna", "hpstudy.search.samplers:TPESearcher"),
    },
)
