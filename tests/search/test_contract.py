from hpstudy.search.ax import AxSearcher
from hpstudy.search.botorch import BoTorchSearcher, BoTorchSettings
from hpstudy.search.grid import GridSearcher, GridSettings
from hpstudy.search.points import PointsSearcher, PointsSettings
from hpstudy.search.random import RandomSearcher
from hpstudy.search.samplers import CMAESSearcher, SamplerSettings, TPESearcher, TPESettings
from hpstudy.search.sobol import SobolSearcher
from hpstudy.testing.searchers import SearcherContract


class TestAx(SearcherContract):
    trials = 4

    def make(self):
        return AxSearcher(BoTorchSettings(initial=2))


class TestBoTorch(SearcherContract):
    trials = 4

    def make(self):
        return BoTorchSearcher(BoTorchSettings(initial=2))


class TestCMAES(SearcherContract):
    trials = 12

    def make(self):
        return CMAESSearcher(SamplerSettings(initial=2))


class TestTPE(SearcherContract):
    def make(self):
        return TPESearcher(TPESettings(initial=2))


class TestIndependentTPE(SearcherContract):
    def make(self):
        return TPESearcher(TPESettings(initial=2, multivariate=False))


class TestGrid(SearcherContract):
    def make(self):
        return GridSearcher(GridSettings(levels={"rate": 7, "decay": 2, "width": 2, "first": 2, "second": 2, "gamma": 2}))


class TestPoints(SearcherContract):
    def make(self):
        point = {"decay": 0.5, "width": 32, "scaling": True, "clipping": "none", "batch": 16, "share": 0.3, "size": 32}
        point |= {
            "warmup": 2,
            "epochs": 4,
            "first": 0.5,
            "second": 0.5,
            "kernel": "poly",
            "gamma": 0.1,
            "degree": 3,
            "offset": "one",
        }
        return PointsSearcher(PointsSettings(points=tuple({"rate": 1e-5 * (n + 1), **point} for n in range(self.trials))))


class TestRandom(SearcherContract):
    def make(self):
        return RandomSearcher()


class TestSobol(SearcherContract):
    def make(self):
        return SobolSearcher()
