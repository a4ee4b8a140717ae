"""The statistical analysis of a study: functions from arrays to arrays."""

from hpstudy.analysis.analyse import analyse
from hpstudy.analysis.results import Results
from hpstudy.analysis.source import Source

__all__ = ["Results", "Source", "analyse"]
