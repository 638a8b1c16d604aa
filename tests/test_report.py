"""The report: what it says, and that the page needs nothing and can be read by anyone."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from typer.testing import CliRunner

from gansynth import ExportedSampler, cli
from gansynth.comparison import of_samples
from gansynth.display._axes import INDEPENDENT, REAL, SYNTHETIC
from gansynth.report import Report
from gansynth.report.evidence import gather
from gansynth.report.page import CSS
from gansynth.report.verdict import verdict

from .test_mixing import clouds, images

VOID = {"meta", "link", "img"}
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


class Page(HTMLParser):
    """Elements of a page, after a look at whether they are closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict]] = []
        self._open: list[str] = []
        self.text = ""
        self.feed(html)
        assert not self._open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for found, attributes in self.elements if found == tag]


def table(seed: int, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    size = rng.normal(size=n)
    return pd.DataFrame(
        {
            "size <b>": np.where(rng.random(n) < 0.1, np.nan, size),
            "kind": rng.choice(["a", "b", "</script>"], n),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 99, n), "D"),
            "constant": 3,
            "empty": np.nan,
            "large": size > 0,
            "name": [f"{seed}-{i}" for i in range(n)],
        }
    )


@pytest.fixture(scope="module")
def report() -> Report:
    """Of two tables and a third that was learned."""
    return Report.from_samples(table(0), table(1, 50), train=table(2), title="a & b")


def headings(html: str) -> list[str]:
    return re.findall(r'<h2 id="[^"]+">([^<]+)</h2>', html)


def test_the_page_has_all_sections_and_needs_nothing_else(report):
    """No address but those of data, no script; every column is there, and names are left out."""
    page = Page(report.html)
    assert headings(report.html) == [
        *("Scores", "Columns and pairs", "Distributions", "Worst pairs"),
        *("All rows in a plane", "Samples", "Privacy", "Environment"),
    ]
    assert not page.all("script")
    addresses = [
        a.get("src", a.get("href", "")) for _, a in page.elements if {"src", "href"} & {*a}
    ]
    assert all(address.startswith(("data:", "#")) for address in addresses)
    assert "url(" not in report.html
    assert "@import" not in report.html
    for name in table(0).columns:
        assert name in page.text
    assert "Not compared, since most rows have a value of their own: name." in page.text
    assert "<b>" not in report.html
    assert report.verdict in page.text
    assert len(report.html) < 1_000_000


def test_the_page_can_be_read_by_a_screen_reader(report):
    """Language, title, one heading above the others, texts of pictures, heads of tables, places."""
    page = Page(report.html)
    assert page.all("html") == [{"lang": "en"}]
    assert [tag for tag, _ in page.elements].count("h1") == 1
    assert all(len(image["alt"]) > 15 for image in page.all("img"))
    assert len(page.all("img")) > 12
    assert len(page.all("caption")) == len(page.all("table"))
    assert {head["scope"] for head in page.all("th")} == {"col", "row"}
    scrolling = [(tag, a) for tag, a in page.elements if "tabindex" in a]
    assert scrolling
    assert all((tag, a["role"]) == ("div", "group") and a["aria-label"] for tag, a in scrolling)
    places = [a["id"] for _, a in page.elements if "id" in a]
    assert len(places) == len(set(places))
    assert {link["href"][1:] for link in page.all("a")} <= set(places)


def test_pictures_follow_the_dark(report):
    """Text is drawn in an ink that the reader's scheme decides."""
    svg = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", report.html)
    drawn = base64.b64decode(svg[0]).decode()
    assert "prefers-color-scheme:dark" in drawn
    assert "var(--ink)" in drawn
    assert "#010203" not in drawn


def contrast(first: str, second: str) -> float:
    """Of two colours, as WCAG 2.2 defines it."""
    lights = []
    for colour in (first, second):
        values = np.array(to_rgb(colour))
        linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
        lights.append(linear @ [0.2126, 0.7152, 0.0722] + 0.05)
    return max(lights) / min(lights)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_told_from_the_paper(scheme):
    """Text by 4.5 to 1, what is drawn by 3 to 1, as WCAG asks."""
    found = re.findall(r"--(\w+):(#[0-9a-f]+)", CSS)
    colours = dict(found[len(found) // 2 * scheme :][: len(found) // 2])
    assert len(colours) == 6
    for text in ("ink", "soft", "link"):
        for paper in ("paper", "shade"):
            assert contrast(colours[text], colours[paper]) >= 4.5
    for drawn in (REAL, SYNTHETIC, INDEPENDENT):
        assert contrast(drawn, colours["paper"]) >= 3


def test_a_verdict_tells_good_rows_from_bad_ones(report):
    """With the worst column by name, and copies of what was learned."""
    assert report.verdict.startswith("50 rows are too few for a classifier")
    rng = np.random.default_rng(0)
    real = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc"))
    train = pd.DataFrame(rng.normal(size=(200, 3)), columns=list("abc"))
    copied = said(real, train, train)
    assert "too near to the training rows" in copied
    bad = said(real, train.assign(b=train["b"] + 5), None)
    assert "easily told" in bad
    assert "The weakest column is b." in bad
    assert "can't be told without the training rows" in bad


def said(real: pd.DataFrame, synthetic: pd.DataFrame, train: pd.DataFrame | None) -> str:
    """The verdict, without a page."""
    evidence = gather(of_samples(real, synthetic), train, 0)
    columns = evidence.scores[1].found
    assert columns.synthetic < columns.real + 0.1
    assert columns.real == columns.independent
    return verdict(evidence, trained=train is not None)


def test_samplers_of_points_report(tmp_path):
    """With curves, model and classes; and a file the same, without the curves."""
    labelled, plain = clouds()
    X = np.random.default_rng(1).standard_normal((30, 2))
    y = np.repeat(["left", "right"], 15)
    found = labelled.report(X, y, X_train=X)
    assert {"Training", "Model", "All rows in a plane"} <= {*headings(found.html)}
    assert "coverage: real rows with a synthetic one near" in found.scores.index
    exported = Report.from_estimator(ExportedSampler(plain.artifact_), X)
    assert "Training" not in headings(exported.html)
    assert exported.scores.equals(plain.report(X).scores)
    found.write(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == found.html
    assert found._repr_html_().startswith("<iframe title=")


def test_samplers_of_images_report():
    """A row a class, and the nearest training images."""
    X = np.random.default_rng(1).integers(0, 256, (24, 6, 5)).astype(np.uint8)
    found = images().report(X, np.arange(24) % 3, X_train=X)
    page = Page(found.html)
    assert "Columns and pairs" not in headings(found.html)
    alts = " ".join(image["alt"] for image in page.all("img"))
    assert "a row a class" in alts
    assert "the nearest training one" in alts


@pytest.mark.parametrize(
    ("real", "synthetic", "told"),
    [
        (table(0, 1), table(1), "needs 10 of them and 5 synthetic ones; got 1 and 60"),
        (table(0), table(1, 4), "got 60 and 4"),
        (table(0), table(1).drop(columns="kind"), "only one of them has kind"),
        (table(0), table(1)[:0], "synthetic has no rows"),
    ],
)
def test_what_can_not_be_reported_is_refused(real, synthetic, told):
    """With numbers and names."""
    with pytest.raises(ValueError, match=told):
        Report.from_samples(real, synthetic)


def test_training_rows_have_to_have_the_columns():
    """Or there would be nothing to look for copies in."""
    with pytest.raises(ValueError, match="only one of them has kind"):
        Report.from_samples(table(0), table(1), train=table(2).drop(columns="kind"))


def test_a_page_is_written_from_files(tmp_path):
    """The verdict is printed; files that can't be used are refused in a line, and leave nothing."""
    for name, seed in (("real", 0), ("new", 1), ("train", 2)):
        table(seed).to_csv(tmp_path / f"{name}.csv", index=False)
    files = [str(tmp_path / name) for name in ("real.csv", "new.csv")]
    out = tmp_path / "page.html"
    options = ["--target", "kind", "--train", str(tmp_path / "train.csv"), "-o", str(out)]
    result = CliRunner().invoke(cli.app, ["report", *files, *options])
    assert result.exit_code == 0, result.stderr
    assert "60 rows are too few for a classifier" in result.stdout
    html = out.read_text(encoding="utf-8")
    assert "new.csv beside real.csv" in html
    assert "kind: trees trained on it, tested on real (AUC)" in html
    table(1).drop(columns="day").to_csv(tmp_path / "new.csv", index=False)
    for refused, line in (
        ([*files, "-o", str(tmp_path / "other.html")], "only one of them has day"),
        ([*files, "-o", str(tmp_path / "other.txt")], "The suffix '.txt' is unknown"),
    ):
        result = CliRunner().invoke(cli.app, ["report", *refused])
        assert (result.exit_code, result.stdout) == (1, "")
        assert line in result.stderr
    assert not (tmp_path / "other.html").exists()


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium or Chrome")
def test_a_browser_has_nothing_to_say_against_it(report, tmp_path):
    """All pictures are loaded, nothing is wider than a phone, and no error is in the console."""
    probe = (
        "<script>addEventListener('load',()=>{const i=[...document.images];"
        "document.title=[i.length,i.filter(x=>x.naturalWidth).length,"
        "document.documentElement.scrollWidth<=innerWidth].join()})</script>"
    )
    (tmp_path / "page.html").write_text(report.html.replace("</body>", f"{probe}</body>"))
    command = [
        *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
        *(f"--user-data-dir={tmp_path / 'profile'}", "--window-size=500,900", "--dump-dom"),
        *("--enable-logging=stderr", "--v=0", (tmp_path / "page.html").as_uri()),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    pictures, loaded, fits = re.search(r"<title>([^<]+)", done.stdout)[1].split(",")
    assert (pictures, fits) == (loaded, "true")
    assert "CONSOLE" not in done.stderr
