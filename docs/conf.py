"""The configuration of Sphinx for the site: see ``build.py`` in this folder."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "src")]

from tcpcomm._version import __version__  # noqa: E402 - the path comes first

project = "tcpcomm"
copyright = "the maintainers of tcpcomm"
version = release = __version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "docsite.extension"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
root_doc = "index"
exclude_patterns = ["examples/files"]
nitpicky = True

myst_heading_anchors = 6
myst_disable_syntax = ["myst_line_comment", "myst_block_break", "myst_target"]

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
maximum_signature_line_length = 88
napoleon_numpy_docstring = False
add_module_names = False
toc_object_entries = False

html_theme = "furo"
html_title = f"tcpcomm {release}"
html_static_path = [str(HERE / "docsite" / "static")]
html_css_files = ["tcpcomm.css"]
templates_path = [str(HERE / "docsite" / "templates")]
html_permalinks = False
html_use_index = False
html_domain_indices = False
html_copy_source = False
html_show_sphinx = False
html_show_search_summary = False  # it would be fetched, which browsers refuse to pages from a disk
html_search_language = "en-ko"
html_search_scorer = str(HERE / "docsite" / "scorer.js")
html_theme_options: dict[str, object] = {"top_of_page_buttons": []}
pygments_style = "friendly"
pygments_dark_style = "monokai"
