"""What it means: statistics of searches, arrays in and arrays out."""

from hpstudy.analysis.analyse import Source, analyse
from hpstudy.analysis.results import Results

__all__ = ["Results", "Source", "analyse"]
