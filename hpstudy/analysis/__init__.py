"""The statistical analysis of a study: functions from arrays to arrays."""

from hpstudy.analysis.analyze import analyze
from hpstudy.analysis.results import Results
from hpstudy.analysis.source import Source

__all__ = ["Results", "Source", "analyze"]
