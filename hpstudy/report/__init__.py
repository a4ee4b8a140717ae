"""Showing it: figures, tables, the PDF, and the numbers behind them."""

from hpstudy.report.wording import headline
from hpstudy.report.write import save_figure, write

__all__ = ["headline", "save_figure", "write"]
