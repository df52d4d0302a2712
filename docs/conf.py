"""How the documentation is built: `make docs`. The reference is made from the docstrings, by `_reference.py`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import _reference

from apscheduler import version as release

_reference.write(HERE / "reference" / "api")

project = "apscheduler"
author = "The apscheduler 3.20 maintainers"
project_copyright = author
version = release
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
default_role = "code"  # docstrings mark names with single backticks
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
napoleon_custom_sections = [("Options", "params_style")]
napoleon_use_ivar = True

html_theme = "furo"
html_title = f"apscheduler {release}"
html_static_path: list[str] = []
html_copy_source = False
html_show_sphinx = False
# Files outside of docs/ (the examples, the licence) have no page; links to them are checked by the tests.
suppress_warnings = ["myst.xref_missing"]


def list_the_rest(_app, page, source):
    """In an index, list the pages of its folder that it does not name, so that a new page is found at once."""
    folder = (HERE / page).parent
    rest = [file.stem for file in sorted(folder.glob("*.md")) if f"\n{file.stem}\n" not in source[0]]
    rest = [name for name in rest if name != "index"]
    toctree = "\n".join(["```{toctree}", ":maxdepth: 1", ":caption: More", "", *rest, "```"])
    source[0] = source[0].replace("<!-- the rest -->", toctree if rest else "")


def setup(app):
    app.connect("source-read", list_the_rest)
