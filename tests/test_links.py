"""Links between the documents, and from them to files of the repository, lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ["*", "docs/*", "docs/examples/*", "benchmarks/*", "plugins/*/*"]
DOCUMENTS = sorted(path for folder in FOLDERS for path in ROOT.glob(f"{folder}.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)|\b(?:src|href)=\"([^\"]+)\"")
BLOCK = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]+`")


def links(text: str) -> Iterator[str]:
    """Targets of links and pictures that are no addresses."""
    for found in LINK.finditer(CODE.sub("", BLOCK.sub("", text))):
        target = found[1] or found[2]
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(text: str) -> set[str]:
    """Names of the headings of a document, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ +(.+?) *$", BLOCK.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    """Each file is there, and each heading in it."""
    text = path.read_text(encoding="utf-8")
    for link in links(text):
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text(encoding="utf-8")), link


def test_links_are_found():
    """Those of pictures too, but none in code; headings are named as on GitHub."""
    text = '# One, `two`: x\n[a](b.md#c) <img src="d.png"> `[e](f)` [g](https://h.org)\n'
    text += "## Köln's _3_-4\n```\n# no\n[i](j)\n```\n"
    assert list(links(text)) == ["b.md#c", "d.png"]
    assert anchors(text) == {"one-two-x", "kölns-_3_-4"}
