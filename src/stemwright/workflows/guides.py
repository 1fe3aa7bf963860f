"""What guides people through a song: its list of markers, which they edit, and a click track on request.

`markers.csv` is written into a delivery and read back from there: once it was edited it is the user's word and is
never written again, until another list is given; then it is put aside under a new name. One that lies in a folder of
stems counts, too. Before all of these goes the list that `--markers` names; what nobody names is measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stemwright import serial
from stemwright.audio.probe import probe
from stemwright.audio.tagging import facts_of, tag_file
from stemwright.errors import InputError
from stemwright.handover.manifest import Ledger, Step, put_aside
from stemwright.model import Marker, Output, Progress, Song, Stem, StemSet, Workflow
from stemwright.naming import safe_name
from stemwright.safety import sha256
from stemwright.session.arrange import arrange
from stemwright.session.click import write_click
from stemwright.session.markers import read_markers
from stemwright.session.markers.table import NAME, write_table
from stemwright.units import many, seconds
from stemwright.workflows.facts import certain
from stemwright.workflows.steps import Made


@dataclass(frozen=True, slots=True)
class Guides:
    """What a user can ask for."""

    markers: Path | None = None
    """A list of markers, of any kind that `session.markers` reads."""
    click: bool = False
    count_in: int = 0
    """Bars of click before bar 1."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The list of markers that counts."""

    path: Path | None = None
    digest: str = ""
    """SHA-256 of the list."""
    given: str = ""
    """The same of the list that was given, which an edited one may go before."""
    edited: bool = False
    """Whether it is the delivery's own, which the user has edited."""
    aside: bool = False
    """Whether one that is not ours must be put aside for it."""


def marked(
    song: Song, folder: Path | None, asked: Path | None, stems: StemSet | None = None
) -> tuple[Song, tuple[str, ...]]:
    """The song with the markers of a list (`asked`, else the `markers.csv` of a folder), and warnings.

    With `stems` those behind their end are told, too: a spreadsheet that takes 12:30 for a time of day puts them there.

    Raises InputError for a list that cannot be read, and when one that was asked for holds none.
    """
    own = folder / NAME if folder else None
    path = asked or (own if own and own.is_file() else None)
    if path is None:
        return song, ()
    found = read_markers(path, song)
    if asked and not found.markers:
        raise InputError(f"{asked}: holds no markers", "see `stemwright prep --help` for what is read")
    told = (*found.warnings, *(_behind(found.markers, song, stems) if stems else ()))
    return replace(song, markers=found.markers), tuple(f"{path.name}: {warning}" for warning in told)


def _behind(markers: tuple[Marker, ...], song: Song, stems: StemSet) -> Iterator[str]:
    end = max(seconds(stem.file.frames, stem.file.format.sample_rate) for stem in stems.everything)
    late = [marker.name for marker in markers if seconds(marker.at, song.sample_rate) > end]
    if late:
        stand = f"and {len(late) - 1} more stand" if len(late) > 1 else "stands"
        yield f"{late[0]!r} {stand} behind the end of the stems"


def listed(ledger: Ledger, source: Path | None, asked: Path | None) -> Listed:
    """Which list counts for a delivery of `source`, a folder of stems; NotFoundInput, InputError for none to read."""
    lying = source / NAME if source else None
    given = asked or (lying if lying and lying.is_file() else None)
    digest = sha256(given) if given else ""
    own = ledger.folder / NAME
    step = ledger.manifest.step("guides")
    if step is None or not own.is_file():
        return Listed(given, digest, digest, aside=own.is_file())
    known = next((entry.sha256 for entry in step.outputs if entry.path == NAME), "")
    edited = step.result["edited"] or sha256(own) != known
    if edited and digest in ("", step.result["list"]):
        return Listed(own, sha256(own), digest, edited=True)
    return Listed(given, digest, digest, aside=edited)


def make(stems: StemSet, folder: Path, listed: Listed, asked: Guides) -> Workflow[Made]:
    """Write `markers.csv` and the click. The result: markers, the list that was taken, what to tell."""
    yield Progress("guides", 0, 1)
    song, told = marked(stems.song, *_where(listed, asked), stems)
    own = folder / NAME
    if listed.aside:
        told += (f"there was another {NAME}; it is now {put_aside(own).name}",)
    if not listed.edited:
        write_table(own, song, song.markers)
    outputs = [Output(own, "markers")]
    result: dict[str, Any] = {"markers": song.markers, "list": listed.given, "edited": listed.edited, "click": ""}
    if asked.click:
        made, result["click"], short = add_click(stems, folder, asked.count_in)
        outputs += made
        told += short
    return outputs, result | {"warnings": told}


def _where(listed: Listed, asked: Guides) -> tuple[Path | None, Path | None]:
    """The arguments of `marked` for a list: the folder that it lies in, or the file that was asked for."""
    if listed.path is None or listed.path == asked.markers:
        return None, listed.path
    return listed.path.parent, None


def add_click(stems: StemSet, folder: Path, count_in: int) -> tuple[list[Output], str, tuple[str, ...]]:
    """Write a click track for a set; what it is in a sentence, and what is not as it was asked for in another."""
    if there := next((stem for stem in stems.stems if stem.role == "click"), None):
        return [], "", (f"no click was made: {there.file.path.name} is one; remove it to have another",)
    if not stems.song.bpm:
        return [], "", ("no click was made: the tempo is not known; give it with --bpm",)
    path = folder / f"{safe_name(stems.song.title, 24)}_Click.wav"
    session = arrange(stems, mixed_rates=True)
    made = write_click(path, session, count_in=count_in)
    tag_file(path, facts_of(certain(session.song), "Click", "click"))
    counted = f" and a count-in of {many(made.count_in, 'bar')}" if made.count_in else ""
    about = f"{path.name}: a click on every beat from bar 1{counted}, made by stemwright; it is no part of the mix."
    short = f"{made.count_in} of {many(count_in, 'bar')} of count-in fit before bar 1: stems are not moved"
    told = (short,) if made.count_in < count_in else ()
    return [Output(path, "click", "click")], " ".join((about, *(f"{sentence}." for sentence in told))), told


def with_guides(stems: StemSet, guided: Step) -> StemSet:
    """The set of a delivery with its markers and its click."""
    folder = stems.folder or Path()
    markers = serial.build(tuple[Marker, ...], guided.result["markers"])
    clicks = [Output(folder / entry.path, entry.kind, entry.role) for entry in guided.outputs]
    return with_click(replace(stems, song=replace(stems.song, markers=markers)), clicks)


def with_click(stems: StemSet, outputs: Iterable[Output]) -> StemSet:
    """The set with the click that is among files that were written."""
    made = tuple(Stem(probe(output.path), "click", "Click") for output in outputs if output.kind == "click")
    return replace(stems, stems=stems.stems + made)
