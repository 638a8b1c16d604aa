"""Configuration of Sphinx: `sphinx-build -W --keep-going docs docs/_build`.

The gallery's examples train small models as the pages are built: some minutes on two cores.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import warnings
from pathlib import Path

from sphinx.application import Sphinx

import gansynth

HERE = Path(__file__).parent
BENCHMARKS = HERE.parent / "benchmarks"
sys.path.insert(0, str(HERE))
from results_page import page  # noqa: E402 (it lies beside this file)

(HERE / "benchmarks.md").write_text(page(BENCHMARKS / "results"), encoding="utf-8")
shutil.copyfile(BENCHMARKS / "README.md", HERE / "measuring.md")

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Seconds of training are too few for good samples, and fits say so. The pages do, too.
warnings.filterwarnings("ignore", category=UserWarning, module="gansynth")

project = "gansynth"
author = "The gansynth developers"
project_copyright = f"2026, {author}"
version = release = gansynth.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "examples/*.md", "sg_execution_times.rst"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
myst_heading_anchors = 3
nitpicky = True
nitpick_ignore_regex = [("py:.*", r"(imblearn|pathlib|sklearn)\..*")]  # documented elsewhere
suppress_warnings = [
    "config.cache",  # of sphinx-gallery's settings
    "ref.ref",  # of scikit-learn's user guide, in docstrings that are inherited
]

autosummary_generate = True
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # numpydoc has them
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/plot_",
    "capture_repr": ("_repr_html_",),  # tables; a legend that comes last is no output
    "within_subsection_order": "FileNameSortKey",
    "download_all_examples": False,
    "show_memory": False,
}

html_theme = "pydata_sphinx_theme"
html_title = f"gansynth {version}"
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "navbar_center": [],  # all pages are in the sidebar
    "secondary_sidebar_items": ["page-toc"],
}
html_static_path = ["_static"]
html_css_files = ["narrow.css"]
html_sidebars = {"**": ["pages.html"], "index": []}
html_sourcelink_suffix = ""

# Documents link to files of the repository, so that they can be read there; here they link to the
# pages that are made of these.
PAGES = [
    (r"\]\(\.\./benchmarks/results\)", "](benchmarks.md)"),
    (r"\]\(\.\./benchmarks/README\.md", "](measuring.md"),
    (r"\]\(examples/(\w+)\.py\)", r"](gallery/\1.rst)"),
]


def to_pages(_app: Sphinx, _name: str, source: list[str]) -> None:
    for file, made in PAGES:
        source[0] = re.sub(file, made, source[0])


def setup(app: Sphinx) -> None:
    app.connect("source-read", to_pages)
