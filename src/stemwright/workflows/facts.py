"""What is known about a song: what the user says, what an earlier run recorded, what names say, what is measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from stemwright import serial
from stemwright.audio import stated
from stemwright.audio.said import Said, said_by, same_bpm
from stemwright.audio.stated import Stated
from stemwright.errors import WrongOption
from stemwright.handover import manifest
from stemwright.handover.notes_song import LIKELY_BPM, SURE_KEY
from stemwright.model import AudioFile, Estimate, Levels, Song, Stem, StemSet, Workflow
from stemwright.naming import safe_name
from stemwright.session import beside
from stemwright.units import FASTEST_BPM, SLOWEST_BPM, parse_key, short_key

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Given:
    """What the user says about the song; wins over everything else."""

    bpm: float | None = None
    key: str | None = None
    title: str = ""
    artist: str = ""
    bpm_range: str = ""
    """`70-140`: between which a tempo that is not known otherwise is looked for."""
    sections: bool = True
    """Whether to look for parts of the song, which become markers."""
    beats: str = ""
    """Model that hears the beats in place of the built-in networks."""

    def __post_init__(self) -> None:
        """Bring the key into the house spelling. Raises WrongOption when it is none."""
        if self.bpm is not None:
            if not SLOWEST_BPM <= self.bpm <= FASTEST_BPM:
                raise WrongOption(f"{self.bpm} is no tempo", "give quarter notes a minute, from 20 to 400")
            object.__setattr__(self, "bpm", float(self.bpm))
        if self.bpm_range:
            _range(self.bpm_range)
        if self.key:
            try:
                object.__setattr__(self, "key", parse_key(self.key))
            except ValueError:
                raise WrongOption(f"{self.key!r} is not a key", "write it like Am, 'F# minor', Bb or 8A") from None

    @property
    def anew(self) -> bool:
        """Whether what an earlier run measured is to be measured again."""
        return bool(self.beats or (self.bpm_range and not self.bpm))


def _range(text: str) -> tuple[float, float]:
    """Raises WrongOption for what is no range of tempi."""
    low, _, high = text.partition("-")
    try:
        if not float(low) < float(high):
            raise ValueError
        return float(low), float(high)
    except ValueError:
        raise WrongOption(f"{text!r} is no range of tempi", "write it like 70-140") from None


def measure(
    files: tuple[AudioFile, ...], given: Given, title: str = "", drums: tuple[AudioFile, ...] = ()
) -> Workflow[Song]:
    """Tempo, key and names of a song from its mix, or from its stems heard together; the beat from its drums.

    Raises UnknownName, MissingExtra, WeightsUnavailable and WeightsMismatch for a model that cannot hear the beats.
    """
    from stemwright.measure.song import measure_song
    from stemwright.measure.tempo import HEARD_BPM

    within, title = _range(given.bpm_range) if given.bpm_range else HEARD_BPM, given.title or title
    hear = None
    if given.beats:
        from stemwright.separate import beats

        hear = beats.hearing(given.beats)
    song = measure_song(
        files,
        drums=drums,
        bpm=given.bpm,
        within=within,
        key=given.key,
        title=title,
        artist=given.artist,
        sections=given.sections,
        hear=hear,
    )
    return (yield from song)


def song_of(stems: StemSet, given: Given) -> Workflow[Song]:
    """The song of a folder of stems.

    Given > `notes.toml` > recorded by an earlier run > sessions and MIDI files beside them > tags > named > measured.
    """
    noted = taken(stated.read(stems.folder), given)
    song = noted.song if noted.is_record else recorded_song(stems.folder)
    if song is None or given.anew:
        named = stems.song
        plan, said = beside.planned(stems).song, said_by([stem.file for stem in stems.everything])
        bpm = surest(given.bpm, noted.song.bpm) or surest(None, plan.bpm, said.bpm, named.bpm)
        key = surest(given.key, noted.song.key) or surest(None, plan.key, said.key, named.key)
        heard = (stems.mix,) if stems.mix else music(stems.stems)
        known = replace(given, bpm=bpm.value if bpm else None, key=key.value if key else None)
        drums = tuple(stem.file for stem in stems.stems if stem.role.partition(".")[0] == "drums")
        measured = yield from measure(tuple(stem.file for stem in heard), known, named.title, drums)
        if bpm and measured.bpm:
            bpm = replace(bpm, alternatives=measured.bpm.alternatives)
        if plan.bpm and bpm and bpm.source == "session":
            measured = beside.on_grid(measured, plan)
            bpm = replace(bpm, alternatives=beside.unexplained(bpm.alternatives, plan))
        artist = named.artist or measured.artist
        song = replace(measured, bpm=bpm or measured.bpm, key=key or measured.key, title=named.title, artist=artist)
    return with_given(stated.told(song, noted), given)


def music(stems: tuple[Stem, ...]) -> tuple[Stem, ...]:
    """The stems without a click, unless there is nothing else."""
    return tuple(stem for stem in stems if stem.role != "click") or stems


def taken(noted: Stated, given: Given) -> Stated:
    """What is stated; where the song is to be measured anew, without the record of what was measured."""
    if not given.anew:
        return noted
    bpm = noted.song.bpm if noted.song.bpm and noted.song.bpm.source == "user" else None
    return replace(noted, song=replace(noted.song, sample_rate=0, bpm=bpm))


def with_given(song: Song, given: Given) -> Song:
    """The song with what the user says now; another tempo holds to its end."""
    same = not given.bpm or (song.bpm is not None and song.bpm.value == given.bpm)
    return replace(
        song,
        tempo_map=song.tempo_map if same else (),
        bpm=surest(given.bpm, song.bpm),
        key=surest(given.key, song.key),
        title=given.title or song.title,
        artist=given.artist or song.artist,
    )


def recorded_song(folder: Path | None) -> Song | None:
    """The song facts that an earlier run left in the folder's manifest."""
    found = manifest.read(folder / manifest.NAME) if folder else None
    step = found.step("song") if found else None
    try:
        return serial.build(Song, step.result) if step else None
    except (TypeError, ValueError, AttributeError, KeyError):
        return None  # another version's or someone's edit: measured anew


def with_effects(stems: StemSet, effects: tuple[str, ...]) -> StemSet:
    """The set with printed effects stated as `Vocals=plate`. Raises WrongOption for a stem that is not there."""
    known = {stem.name.casefold() for stem in stems.stems}
    told: dict[str, str] = {}
    for text in effects:
        name, equals, said = text.partition("=")
        if not equals or name.strip().casefold() not in known:
            names = ", ".join(stem.name for stem in stems.stems)
            raise WrongOption(f"--effects {text!r} names no stem", f"write NAME=TEXT; the stems are: {names}")
        told[name.strip().casefold()] = said.strip()

    def put(stem: Stem) -> Stem:
        return replace(stem, printed_effects=told.get(stem.name.casefold(), stem.printed_effects))

    return replace(stems, stems=tuple(map(put, stems.stems)))


def surest(given: T | None, *known: Estimate[T] | None) -> Estimate[T] | None:
    """What the user says, as it is known already if it is; else the surest of what is known, of equals the first."""
    if given:
        said = (estimate for estimate in known if estimate and (estimate.value, estimate.source) == (given, "user"))
        return next(said, Estimate(given, 1.0, "user"))
    return max(filter(None, known), key=lambda estimate: estimate.confidence, default=None)


def told_by_stems(stems: StemSet, song: Song) -> tuple[str, ...]:
    """Sentences about sessions beside the stems and about their tags: nonsense, contradictions, what is not taken."""
    plan = beside.planned(stems)
    others = _not_taken(plan.song, song, f"{plan.tempo_in} says", f"{plan.key_in} says")
    return (*plan.warnings, *others, *told_by_tags([stem.file for stem in stems.everything], song))


def told_by_tags(files: Sequence[AudioFile], song: Song) -> tuple[str, ...]:
    """Sentences about tags that are nonsense, contradict each other or say other than what is taken."""
    said = said_by(files)
    return (*said.warnings, *_not_taken(said, song, "the tags say", "the tags say"))


def _not_taken(said: Said | Song, song: Song, tempo_said: str, key_said: str) -> Iterator[str]:
    if said.bpm and song.bpm and not same_bpm(said.bpm.value, song.bpm.value):
        yield f"{tempo_said} {said.bpm.value:g} BPM, taken is {song.bpm.value:g} ({song.bpm.source})"
    if said.key and song.key and said.key.value != song.key.value:
        said_key, key = short_key(said.key.value), short_key(song.key.value)
        yield f"{key_said} {said_key}, taken is {key} ({song.key.source})"


def bpm_doubts(song: Song, bpm_range: str = "") -> tuple[str, ...]:
    """What to know and to do about a tempo that is not known, not certain, or not what is heard: a sentence or none.

    A tempo map that is more than 30 ms off on one beat in twenty has a confidence below 0.48, so it is doubted here.
    """
    bpm = song.bpm
    if bpm is None:
        within = f" between {bpm_range} BPM; widen --bpm-range, or" if bpm_range else ";"
        return (f"no tempo could be measured{within} give it with --bpm",)
    others = " or ".join(f"{round(each, 2):g}" for each in bpm.alternatives[:2])
    if bpm.source != "measured":
        return (f"the music sounds like {others} BPM; taken is {bpm.value:g} ({bpm.source})",) if others else ()
    if bpm.confidence >= LIKELY_BPM:
        return ()
    if song.tempo_map:
        return ("the tempo changes, and its map leaves the beats in places: check it by ear, bar by bar",)
    return (f"the tempo is doubtful: {bpm.value:g} BPM{f', perhaps {others}' if others else ''}; see --bpm",)


def key_doubts(song: Song) -> tuple[str, ...]:
    """The same about the key."""
    if song.key is None:
        return ("no key could be measured; give it with --key",)
    if song.key.confidence >= SURE_KEY:
        return ()
    others = " or ".join(song.key.alternatives[:2])
    return (f"the key is doubtful: {song.key.value}{f', perhaps {others}' if others else ''}; see --key",)


def doubts(song: Song, bpm_range: str = "") -> tuple[str, ...]:
    """All of that, for whoever writes tempo and key down."""
    return (*bpm_doubts(song, bpm_range), *key_doubts(song))


def certain(song: Song) -> Song:
    """The song without a key that is doubtful: names, tags and sessions state it and have no place for the doubt."""
    return replace(song, key=None) if key_doubts(song) else song


def folder_name(song: Song) -> str:
    """`Song_120_Am`; a fact that is not known, and a key that is doubtful, are left out."""
    song = certain(song)
    parts = [safe_name(song.title)]
    if song.bpm:
        parts.append(f"{round(song.bpm.value, 2):g}")
    if song.key:
        parts.append(safe_name(short_key(song.key.value)))
    return "_".join(parts)


def with_levels(stems: StemSet, levels: dict[str, Any]) -> StemSet:
    """The set with levels that an earlier run measured, by file name."""

    def put(stem: Stem) -> Stem:
        found = levels.get(stem.file.path.name)
        return replace(stem, levels=serial.build(Levels, found)) if found else stem

    return stems.each(put)
