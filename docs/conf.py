"""Settings of the documentation site: `make docs` builds it with Sphinx into build/site."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_ext"), str(DOCS.parent)]

project = "hpstudy"
copyright = "the authors of hpstudy"
release = version = version_of("hpstudy")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "generated_pages"]
exclude_patterns = ["generated/*.md"]  # included by pages
highlight_language = "none"
default_role = "code"  # docstrings write `name` for code
smartquotes = False  # they turn the dashes of an option such as --scale into one

myst_heading_anchors = 6  # the anchors that GitHub makes, so that links work in both places
myst_enable_extensions = ["colon_fence", "deflist"]

napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
python_maximum_signature_line_length = 88

html_theme = "furo"
html_title = f"hpstudy {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_search_summary = False  # a summary is read over HTTP, so it would be missing where pages are opened as files
html_show_copyright = False
