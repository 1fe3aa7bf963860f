"""The questions of `stemwright notes --edit`; what is answered is kept in the `notes.toml` of the folder."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click

from stemwright.audio import stated
from stemwright.audio.folder import noted_names, read_stems
from stemwright.audio.stated import StemWords
from stemwright.cli import output
from stemwright.errors import WrongOption
from stemwright.model import Estimate, Song
from stemwright.safety import require_writable
from stemwright.units import parse_key, short_key
from stemwright.workflows import facts
from stemwright.workflows.facts import Given

T = TypeVar("T")

_NOTHING = "-"
"""The answer that takes away what was stated."""


def edit(folder: Path, given: Given) -> None:
    """Ask for what notes should tell, with what is known as the answer that Enter gives; only what differs is kept.

    Raises click.UsageError without a terminal, InputError and its kin, SettingsError and OutputError; nothing is
    written before the last answer.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        hint = f"give --title, --bpm, --key and --effects, or write {folder / stated.NAME}"
        raise click.UsageError(f"--edit asks questions, and this is no terminal; {hint}")
    stems, known = read_stems(folder), stated.read(folder)
    require_writable(folder, "answers are kept with the stems: edit a copy, or give --title, --bpm, --key, --effects")
    heard = output.run(facts.song_of(stems, given))
    output.say(f"Enter keeps what stands in brackets, {_NOTHING} takes it away, Ctrl-C leaves everything as it was.")
    song = _song(heard, known.song)
    click_track = _ask("Was it played to a click (yes, no, from the second verse on ...)", known.click)
    comments = _ask("Anything the mix engineer should know", known.comments)
    played = [stem for stem in stems.stems if stem.role != "click"]
    asked = {stated.entry_of(stem, known.stems) for stem in played}
    words = {name: said for name, said in known.stems.items() if name not in asked}
    names = noted_names(tuple(stem.file.path for stem in stems.everything))
    for stem in played:
        effects = _ask(f"{stem.name}: printed effects", stem.printed_effects)
        words[names[stem.file.path.name]] = StemWords(effects, _ask(f"{stem.name}: comment", stem.comments))
    stated.write(folder, replace(known, song=song, click=click_track, comments=comments, stems=words))


def _song(heard: Song, known: Song) -> Song:
    """The facts that were stated, with the answers that differ from what was known or measured."""
    title, artist = _ask("Title", heard.title), _ask("Artist", heard.artist)
    bpm = _ask("Tempo in BPM", heard.bpm and heard.bpm.value, _bpm, "a tempo from 20 to 400 BPM")
    wanted = "a key: write it like Am, 'F# minor', Bb or 8A"
    key = _ask("Key", heard.key and short_key(heard.key.value), lambda text: short_key(parse_key(text)), wanted)
    cents = _ask("Tuning in cents against A4 = 440 Hz", heard.tuning_cents, _cents, "a number from -100 to 100")
    return replace(
        known,
        title=title if title != heard.title else known.title,
        artist=artist if artist != heard.artist else known.artist,
        bpm=_stated(bpm, heard.bpm, known.bpm),
        key=_stated(key and parse_key(key), heard.key, known.key),
        tuning_cents=cents if cents != heard.tuning_cents else known.tuning_cents,
    )


def _stated(answer: T | None, heard: Estimate[T] | None, known: Estimate[T] | None) -> Estimate[T] | None:
    if answer == (heard.value if heard else None):
        return heard if heard and heard.source == "user" else known
    return Estimate(answer, 1.0, "user") if answer is not None else None


def _bpm(text: str) -> float | None:
    return Given(bpm=float(text.replace(",", "."))).bpm


def _cents(text: str) -> float:
    cents = float(text.replace(",", "."))
    if not -100 <= cents <= 100:
        raise ValueError
    return cents


def _ask(question: str, known: Any, read: Callable[[str], Any] = str.strip, wanted: str = "") -> Any:
    """The answer, which must be what is `wanted`; `known` for Enter, and what it is without anything said for `-`."""

    def answer(text: str) -> Any:
        if text == shown or not text.strip():
            return known
        if text.strip() == _NOTHING:
            return "" if isinstance(known, str) else None
        try:
            return read(text)
        except (ValueError, WrongOption):
            raise click.BadParameter(f"{text!r} is not {wanted}") from None

    shown = "" if known is None else f"{known:g}" if isinstance(known, float) else str(known)
    return click.prompt(question, default=shown, show_default=bool(shown), value_proc=answer, err=True)
