"""Reports: figures, tables, documents, and their data files."""

from hpstudy.report.headline import headline
from hpstudy.report.write import draw_figure, save_figure, write

__all__ = ["draw_figure", "headline", "save_figure", "write"]
