from hpstudy.search.ax import AxSearcher, AxSettings
from hpstudy.search.random import RandomSearcher, RandomSettings
from hpstudy.search.sobol import SobolSearcher, SobolSettings
from hpstudy.testing.searchers import SearcherContract


class TestAx(SearcherContract):
    trials = 4

    def make(self):
        return AxSearcher(AxSettings(initial=2))


class TestRandom(SearcherContract):
    def make(self):
        return RandomSearcher(RandomSettings())


class TestSobol(SearcherContract):
    def make(self):
        return SobolSearcher(SobolSettings())
