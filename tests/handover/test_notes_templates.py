"""Templates of other people: they see the facts, and nothing else, and cannot go on for ever."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from stemwright import resources
from stemwright.audio.stated import Release, Stated
from stemwright.errors import SettingsError
from stemwright.handover.notes import NotesFacts, render_notes
from stemwright.model import AudioFile, AudioFormat, Estimate, Marker, Song, Stem, StemSet

FILE = AudioFile(Path("Song_Vocals.wav"), AudioFormat("wav", "pcm", 24, 48_000, 2), 48_000 * 60, 0)
SONG = Song("Night Train", 48_000, "Anna", Estimate(120.0, 1.0, "user"), key=Estimate("A# minor", 0.9, "measured"))
FACTS = NotesFacts(StemSet(SONG, (Stem(FILE, "vocals.lead", "Vocals"),)), date="2026-11-21", version="0.1.0")


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(resources, "user_folder", lambda: tmp_path)
    (tmp_path / "notes").mkdir()
    return tmp_path / "notes" / "own.txt.j2"


def test_one_dropped_file_is_a_template(own: Path) -> None:
    own.write_text("{% for track in tracks %}{{ track.role | upper }}{% endfor %} {{ song.bpm }}{{ song.tuning }}")
    assert render_notes(FACTS, "own") == "LEAD VOCAL 120"
    assert "own" in resources.names("notes", ".txt.j2")


def test_a_template_may_take_in_its_neighbours(own: Path) -> None:
    own.with_name("head.txt.j2").write_text("{{ song.title }}!")
    own.write_text("{% include 'head.txt' %}")
    assert render_notes(FACTS, "own") == "Night Train!"


@pytest.mark.parametrize(
    "line",
    [
        "{% include '/etc/passwd' %}",
        "{% include '{secret}' %}",
        "{% include '../notes/secret' %}",
        "{% import '..\\\\secret' as s %}",
        "{% extends '{secret}.j2' %}",
        "{{ open('/etc/passwd').read() }}",
        "{{ cycler.__init__.__globals__.os.environ }}",
        "{{ lipsum.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ song.title.__class__.__mro__[1].__subclasses__() }}",
        "{{ (song | attr('__class__')).__init__ }}",
        "{{ song['__class__'].x }}",
        "{{ '{0.__class__}'.format(song) }}",
        "{{ ['{0.__class__}', song] | map('format') | list }}",
        "{{ tracks.append(1) }}",
        "{{ song.title.format(1, 2)[99] }}",
        "{% include 'own.txt' %}",
        "{{ 1 // 0 }}",
        "{{ song.update({'title': 'x'}) }}",
    ],
)
def test_what_reaches_outside_is_refused_with_its_line(own: Path, line: str) -> None:
    secret = own.parent.parent / "secret.j2"
    secret.write_text("SECRET")
    own.write_text("first\n" + line.replace("{secret}", secret.as_posix()) + "\n")
    with pytest.raises(SettingsError, match=r"own\.txt\.j2: line 2: .") as caught:
        render_notes(FACTS, "own")
    assert "SECRET" not in caught.value.message and "root:" not in caught.value.message and caught.value.hint


@pytest.mark.parametrize(
    "line",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in 'abcdefghij' %}" * 9 + "{% endfor %}" * 9,
        "{{ range(10 ** 9) | list }}",
        "{{ 'x' * 10 ** 9 }}",
        "{{ [0] * 10 ** 9 }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 'x' | center(10 ** 9) }}",
        "{{ 'x'.zfill(10 ** 9) }}",
        "{% set n = namespace(s='xx') %}{% for a in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}",
        "{% set n = namespace(s='xx') %}{% for a in range(60) %}{% set n.s = n.s + n.s %}{% endfor %}",
        "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
        "{% set n = namespace(x=10) %}{% for a in range(60) %}{% set n.x = n.x * n.x %}{% endfor %}",
        "{% set n = namespace(s='xx') %}{% for a in range(60) %}{% set n.s = [n.s, n.s] | join %}{% endfor %}",
        "{% set n = namespace(s='xx') %}{% for a in range(60) %}{% set n.s = n.s | replace('x', 'xxx') %}{% endfor %}",
        "{% set n = namespace(s=[1]) %}{% for a in range(60) %}{% set n.s = [n.s, n.s] | sum(start=[]) %}{% endfor %}",
        "{{ 'x' | cell(10 ** 9) }}",
        "{{ 'x' | wrap(10 ** 9) }}",
        "{{ [1] | tojson(indent=10 ** 9) }}",
        "{{ lipsum(n=10 ** 5) }}",
    ],
)
def test_nothing_goes_on_for_ever(own: Path, line: str) -> None:
    own.write_text(line)
    with pytest.raises(SettingsError, match=r"own\.txt\.j2"):
        render_notes(FACTS, "own")


def test_filters_that_cannot_grow_are_there(own: Path) -> None:
    own.write_text("{{ tracks | map(attribute='file') | join('+') | replace('Song_', '') }} {{ [1, 2] | sum }}")
    assert render_notes(FACTS, "own") == "Vocals.wav 3"
    own.write_text("{{ [1] | xmlattr }}")
    with pytest.raises(SettingsError, match=r"own\.txt\.j2: line 1"):
        render_notes(FACTS, "own")


def test_missing_or_unreadable_template(own: Path) -> None:
    with pytest.raises(SettingsError, match=r"no notes template called 'nope\.txt'"):
        render_notes(FACTS, "nope")
    own.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match=r"own\.txt\.j2"):
        render_notes(FACTS, "own")


def test_the_line_that_is_wrong_is_shown(own: Path) -> None:
    own.write_text("fine\n{{ song.tilte }}\n")
    with pytest.raises(
        SettingsError, match=r"line 2: 'dict object' has no attribute 'tilte' in `\{\{ song\.tilte \}\}`"
    ):
        render_notes(FACTS, "own")
    own.write_text("fine\n\n{% if song.title %\n")
    with pytest.raises(SettingsError, match=r"line 3: .* in `\{% if song\.title %`"):
        render_notes(FACTS, "own")


# ---- the packaged ones -----------------------------------------------------------------------------------------

PACKAGED = ("mix-engineer", "label-delivery", "sync")


@pytest.mark.parametrize("suffix", [".txt", ".md"])
@pytest.mark.parametrize("template", PACKAGED)
def test_what_is_not_known_has_no_line(template: str, suffix: str) -> None:
    text = render_notes(FACTS, template, suffix)
    for word in ("None", "ISRC", "Explicit", "Contact", "Tuning", "Click", "SECTIONS", "## Sections", ": \n"):
        assert word not in text
    assert "120 BPM" in text and "Bb minor · Bbm · 3A · 8m" in text and "Night Train" in text


@pytest.mark.parametrize("suffix", [".txt", ".md"])
@pytest.mark.parametrize("template", PACKAGED)
def test_what_is_known_is_told(template: str, suffix: str) -> None:
    release = Release("LP", "Label", "DEXX12600001", "T-1", ("A", "B"), ("P",), ("A 60 %", "B 40 %"), False, ("Main",))
    song = replace(SONG, markers=(Marker(96_000, "Verse", 48_000),), tuning_cents=-32.0)
    stems = replace(FACTS.stems, song=song, stems=(replace(FACTS.stems.stems[0], comments="double"),))
    facts = replace(FACTS, stems=stems, stated=Stated(click="yes", release=release), contact=("Anna", "anna@x.example"))
    text = " ".join(render_notes(facts, template, suffix).split())
    wanted = {
        "mix-engineer": ("-32 cents", "A4 = 431.9 Hz", "yes", "Verse", "double", "anna@x.example"),
        "label-delivery": ("DEXX12600001", "T-1", "A, B", "A 60 %, B 40 %", "no", "Main", "-32 cents", "Label", "LP"),
        "sync": ("DEXX12600001", "A, B", "A 60 %, B 40 %", "Main", "0:02.000", "Verse", "anna@x.example"),
    }
    for fact in wanted[template]:
        assert fact in text


@pytest.mark.parametrize(("cents", "told"), [(None, False), (4.9, False), (-5.0, False), (5.1, True), (-20.0, True)])
def test_tuning_is_told_when_it_is_worth_it(cents: float | None, told: bool) -> None:
    song = replace(SONG, tuning_cents=cents)
    assert ("Tuning" in render_notes(replace(FACTS, stems=replace(FACTS.stems, song=song)))) == told


def test_a_doubtful_key_is_called_so() -> None:
    song = replace(SONG, key=Estimate("A minor", 0.2, "measured", ("C major", "E minor")))
    text = " ".join(render_notes(replace(FACTS, stems=replace(FACTS.stems, song=song))).split())
    assert "no clear key; perhaps A minor · Am · 8A · 1m or C major · C · 8B · 1d (measured)" in text


@pytest.mark.parametrize(
    ("kinds", "daws"),
    [
        ((), {"Any DAW"}),
        ((".rpp", ".mid"), {"REAPER", "Any DAW", "Tempo"}),
        ((".aaf", ".mid"), {"Pro Tools", "Logic Pro", "Cubase, Nuendo", "Any DAW", "Tempo"}),
        ((".als", ".ardour"), {"Live", "Ardour", "Any DAW"}),
        ((".dawproject", ".otio"), {"Bitwig, Studio One, Cubase", "OpenTimelineIO", "Any DAW"}),
    ],
)
def test_each_daw_that_is_written_for_has_its_guide(kinds: tuple[str, ...], daws: set[str]) -> None:
    text = render_notes(replace(FACTS, sessions=tuple((f"Song{kind}", ()) for kind in kinds)), suffix=".md")
    assert {line[4:].split(":**")[0] for line in text.splitlines() if line.startswith("- **")} == daws


@pytest.mark.parametrize(
    "mark", ["<script>alert(1)</script>", "|x|", "`rm`", "[a](http://b)", "# head\n- item", "1. one", "- item"]
)
@pytest.mark.parametrize("template", PACKAGED)
def test_words_of_others_stay_words(template: str, mark: str) -> None:
    stems = replace(FACTS.stems, song=replace(SONG, title=mark, artist=mark, markers=(Marker(0, mark),)))
    stems = replace(stems, stems=(replace(stems.stems[0], comments=mark, printed_effects=mark),))
    release = Release(mark, mark, mark, mark, (mark,), (mark,), (mark,), None, (mark,))
    told = Stated(click=mark, comments=mark, release=release)
    text = render_notes(replace(FACTS, stems=stems, stated=told, contact=(mark,)), template, ".md")
    plain = render_notes(FACTS, template, ".md")
    for sign in (r"^# head", r"^- item", r"(?<!\\)<script", r"(?<!\\)\[a", r"(?<!\\)`rm", r"^1\. one"):
        assert not re.search(sign, text, re.MULTILINE), sign
    rows = [line.replace("\\|", "").count("|") for line in text.splitlines() if line.startswith("|")]
    assert set(rows) >= {line.count("|") for line in plain.splitlines() if line.startswith("|")} and max(rows) <= 7
