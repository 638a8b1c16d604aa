"""The documentation builds without a warning, and links within it lead somewhere.

Without the examples' pictures: tests/test_examples.py runs those.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[1]
MADE = ("_build", "gallery", "generated", "benchmarks.md", "measuring.md")


class Page(HTMLParser):
    """What a page links to, and the anchors in it."""

    def __init__(self, text):
        super().__init__()
        self.links, self.anchors = set(), set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        """Take links, sources and names."""
        found = dict(attrs)
        self.links |= {found[key] for key in ("href", "src") if found.get(key)}
        self.anchors |= {found[key] for key in ("id", "name") if found.get(key)}


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Paths of the built pages, and what is in them."""
    source = tmp_path_factory.mktemp("source")
    leave_out = shutil.ignore_patterns(*MADE)
    shutil.copytree(ROOT / "docs", source / "docs", ignore=leave_out)
    shutil.copytree(ROOT / "benchmarks", source / "benchmarks", ignore=leave_out)
    built = tmp_path_factory.mktemp("built")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going"),
            *("-D", "sphinx_gallery_conf.plot_gallery=0"),
            *(source / "docs", built),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    html = [path for path in built.rglob("*.html") if "_static" not in path.parts]
    return {path: Page(path.read_text(encoding="utf-8")) for path in html}


def test_every_link_within_leads_somewhere(pages):
    """To a file that is there, and to an anchor in it."""
    count = 0
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.exists(), (path, link)
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].anchors | {""}, (path, link)
            count += 1
    assert count > 1_000
