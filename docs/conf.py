"""The documentation site: the guides of this folder, and reference pages made from the code.

`make docs` builds it into out/docs; a broken link or a name that does not resolve fails the build.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import reference

import refervid

project = "refervid"
author = "the refervid contributors"
version = release = refervid.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
exclude_patterns = ["notebooks", "examples"]
html_theme = "furo"
html_title = "refervid"
autodoc_typehints = "description"
autodoc_member_order = "bysource"
myst_heading_anchors = 3

reference.write(Path(__file__).parent / "reference")
