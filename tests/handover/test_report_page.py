"""The HTML page: whole in itself, safe, and what it draws lies where it should."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_kit import FRAMES, RATE, facts, finding, stem
from test_reports import HOSTILE, named

from stemwright import resources
from stemwright.errors import SettingsError
from stemwright.handover import layout
from stemwright.handover.reports import AuditFacts, render
from stemwright.model import Evidence, Span

VOID = {"meta", "input", "br"}


class Page(HTMLParser):
    """A page as a browser's parser sees it: elements with attributes, and the visible text."""

    def __init__(self, of: AuditFacts) -> None:
        super().__init__()
        self.source = render("html", of)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(self.source)
        assert not self.open, "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self.open += [tag] if tag not in VOID else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += "" if self.open[-1:] == ["style"] else data

    def all(self, tag: str, name: str = "") -> list[str]:
        """The attributes of that name of all such elements."""
        return [attributes.get(name, "") for element, attributes in self.elements if element == tag]


def test_the_page_needs_nothing_and_lets_nothing_in() -> None:
    base = facts(beside=True)
    twice = replace(base, findings=base.findings[:1] + base.findings)
    page = Page(twice)
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    style = page.source.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.startswith("default-src 'none';") and f"style-src 'sha256-{digest}';" in policy
    assert "unsafe" not in policy and "script" not in policy
    assert not re.search(r"https?:|url\(|@import|//", style) and "http" not in page.source.replace("http-equiv", "")
    for tag, attributes in page.elements:
        assert tag not in ("script", "link", "iframe", "img", "object", "base", "form")
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {href[1:] for href in page.all("a", "href")} <= set(ids)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_only_text(name: str) -> None:
    page, tame = Page(named(name)), Page(named("tame.wav"))
    assert sorted(set(page.all("svg"))) == sorted(set(tame.all("svg")))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in tame.elements], "a name makes no element"
    assert layout.visible(name) in page.words
    [source] = [src for src in page.all("audio", "src") if src]
    assert unquote_to_bytes(source.removeprefix("./")) == os.fsencode(name)


@settings(deadline=None, max_examples=30)
@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
        lambda t: "/" not in t and t not in (".", "..")
    )
)
def test_no_text_makes_an_element(text: str) -> None:
    assert [tag for tag, _ in Page(named(text)).elements] == [tag for tag, _ in Page(named("tame.wav")).elements]


def test_waveforms_and_marks_lie_in_time() -> None:
    short = stem("Short.wav", seed=7)
    overview = (0,) * 300 * 2 + (-127, 64) * 300
    half = replace(short, file=replace(short.file, frames=FRAMES // 2), levels=replace(short.levels, overview=overview))
    found = finding(
        "CLP001",
        "Short.wav",
        "is clipped",
        spans=(Span(FRAMES // 4, FRAMES // 4 + 9, 1), Span(FRAMES // 2 - 1, FRAMES // 2)),
    )
    base = facts(1)
    page = Page(replace(base, stems=replace(base.stems, stems=(half, *base.stems.stems)), findings=(found,)))
    waves = {a["width"]: None for t, a in page.elements if t == "svg" and "viewbox" in a}
    assert list(waves) == ["50.00%", "100.00%"], "all waveforms share one axis"
    points = re.findall(r"[ML](\d+) (-?\d+)", next(d for d in page.all("path", "d") if d.startswith("M0 ")))
    assert (
        len(points) == 1200
        and points[0] == ("0", "0")
        and points[599] == ("599", "-64")
        and points[600] == ("599", "127")
    )
    marks = [(a["x"], a["width"]) for t, a in page.elements if a.get("class") == "band"]
    assert [x for x, _ in marks] == ["25.00%", "49.83%"], "one at the very end is moved into sight"
    assert "0:50.750: right, is clipped" in page.words
    assert page.all("text", "x")[:2] == ["0.00%", f"{100 * 30 * RATE / FRAMES:.2f}%"]


def test_what_is_wrong_comes_first_and_the_rest_is_folded() -> None:
    page = Page(facts(60))
    tracks = [a for t, a in page.elements if t == "details" and a.get("class", "").startswith("track")]
    assert [a["class"] for a in tracks[:3]] == ["track error", "track warning", "track warning"] and len(tracks) == 61
    assert all("open" in a for a in tracks[:3]) and not any("open" in a for a in tracks[3:])
    [rest] = [a for t, a in page.elements if a.get("class") == "rest"]
    assert "open" not in rest and "58 more files, fine as they are" in page.words
    for text in (
        "Fix 2 files first.",
        "Let pass",
        "distorted on purpose",
        "Could not be decided",
        "2 rules ran and found nothing",
    ):
        assert text in page.words
    assert "In REAPER" in page.words and page.all("input", "name") == ["daw", "daw"]
    assert not [src for src in page.all("audio", "src") if src], "no players when the page lies elsewhere"


def test_limits_have_units_and_a_hot_stem_is_one_thing_to_do() -> None:
    base = facts(4)
    hot = finding("LVL001", "Bass.wav", "peaks at 0.00 dBFS", "warning", evidence=Evidence(0.0, -3.0, "dBFS"))
    page = Page(base)
    assert re.search(r"−1.20 dBFS\s*−3.00 dBFS", page.words), "a limit is told with its unit"
    page = Page(replace(base, findings=(*base.findings, hot), causes={"CLP001": "headroom", "LVL001": "headroom"}))
    assert "see also LVL001 (0.00 dBFS)" in page.words and page.words.count("peaks at 0.00 dBFS") == 1
    alone = tuple(f for f in base.findings if f.rule == "CLP001" and not f.waived)
    page = Page(replace(base, findings=(*alone, hot), causes={"CLP001": "headroom", "LVL001": "headroom"}))
    ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    assert "LVL001" not in ids and {href[1:] for href in page.all("a", "href")} <= ids, "its link leads to the other"


def test_a_long_table_and_an_empty_set() -> None:
    base = facts(60)
    everywhere = tuple(finding("FMT003", s.file.path.name, "has 16 bits") for s in base.stems.stems)
    page = Page(replace(base, findings=everywhere))
    assert "and 52 more" in page.words and page.words.count("has 16 bits") == 2 * 60
    bare = Page(replace(base, stems=replace(base.stems, stems=(), mix=None, unreadable=()), findings=(), passed=()))
    assert "There is nothing here to send." in bare.words
    unmeasured = replace(facts(1), stems=replace(facts(1).stems, stems=(replace(stem("Bass.wav"), levels=None),)))
    assert "24-bit, 48 kHz, stereo" in Page(unmeasured).words


def test_a_broken_template_of_the_user_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "audit.html.j2").write_text("<p>{{ nothing_like_it }}</p>")
    monkeypatch.setattr(resources, "user_folder", lambda: tmp_path)
    with pytest.raises(SettingsError, match=r"audit\.html\.j2: line 1") as told:
        render("html", facts())
    assert "mend the report template" in told.value.hint
