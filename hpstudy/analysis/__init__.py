"""What it means: statistics of searches, arrays in and arrays out."""

from hpstudy.analysis.analyse import analyse
from hpstudy.analysis.results import Results
from hpstudy.analysis.source import Source

__all__ = ["Results", "Source", "analyse"]
