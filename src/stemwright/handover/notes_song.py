"""The song in words: tempo, key, metre, sections, and what labels and libraries ask for."""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable
from fractions import Fraction

from stemwright.audio.stated import Release
from stemwright.measure.beats import Beat, beats
from stemwright.model import AudioFile, AudioFormat, Estimate, Song, StemSet
from stemwright.units import camelot, clock, many, open_key, seconds, short_key, spell_key

SURE_BPM, SURE_KEY = 0.85, 0.5
"""From this confidence on, a measured fact is called sure."""

LIKELY_BPM = 0.5
"""Below this confidence, a measured tempo is called doubtful."""

IN_TUNE_CENTS = 5.0
"""A deviation from A4 = 440 Hz that nobody needs to hear of."""

_SOURCES = {
    "user": "stated by the producer",
    "tag": "from the files' tags",
    "filename": "from the name of folder or file",
    "session": "from the DAW session",
}

_VERSIONS = {
    "Instrumental": r"instrumental|inst",
    "A cappella": r"a[ _-]?cap+el+as?",
    "TV mix": r"tv([ _-]?(mix|track))?",
    "Clean": r"clean|radio([ _-]?edit)?",
}
"""Versions of a mix, and how file names call them."""


def song_words(stems: StemSet) -> dict[str, str]:
    """The facts of a song, a line each; tuning is empty when it is not worth a line."""
    song = stems.song
    files = [stem.file for stem in stems.everything]
    meters = [f"{meter.numerator}/{meter.denominator}" for meter in song.meter_map]
    return {
        "title": song.title,
        "artist": song.artist,
        "tempo": _tempo(song),
        "bpm": number(song.bpm.value) if song.bpm else "",
        "key": _key(song.key),
        "tuning": _tuning(song.tuning_cents),
        "metre": ", then ".join(meters) or "unknown",
        "bar_one": _bar_one(song),
        "length": _lengths(files),
        "format": counted(_format(file.format) for file in files),
    }


def sections(song: Song) -> list[dict[str, str]]:
    """Markers: where, in which bar (empty before bar 1), called what, how long (empty for a point)."""
    bar = _bars(song)
    return [
        {
            "at": clock(mark.at, song.sample_rate),
            "bar": bar(mark.at),
            "name": mark.name,
            "length": clock(mark.length, song.sample_rate) if mark.length else "",
        }
        for mark in song.markers
    ]


def release_words(release: Release, stems: StemSet) -> dict[str, str]:
    """What a label asks for, a line each; what is not known is empty."""
    tagged = {stem.file.tag("isrc") for stem in stems.everything}
    own = tagged.pop() if len(tagged) == 1 else stems.mix.file.tag("isrc") if stems.mix else ""
    return {
        "album": release.album,
        "label": release.label,
        "isrc": release.isrc or own,
        "iswc": release.iswc,
        "writers": ", ".join(release.writers),
        "publishers": ", ".join(release.publishers),
        "splits": ", ".join(release.splits),
        "explicit": "" if release.explicit is None else "yes" if release.explicit else "no",
        "versions": ", ".join(release.versions or _versions(stems)),
    }


def number(value: float) -> str:
    """A number as people write it."""
    return f"{round(value, 3):g}"


def counted(texts: Iterable[str]) -> str:
    """Texts that are mostly the same: the text, or each with how many files it is true of."""
    count = Counter(texts).most_common()
    return count[0][0] if len(count) == 1 else "; ".join(f"{text} ({many(n, 'file')})" for text, n in count)


def _versions(stems: StemSet) -> list[str]:
    """Of the mixes that lie there, by their names."""
    mixes = [mix.file.path.stem for mix in (*((stems.mix,) if stems.mix else ()), *stems.other_mixes)]
    found = []
    for name in mixes:
        kinds = [kind for kind, words in _VERSIONS.items() if re.search(rf"(?i)(?<![a-z])({words})(?![a-z])", name)]
        found += kinds or ["Main"]
    return list(dict.fromkeys(found))


def _tempo(song: Song) -> str:
    if not song.bpm:
        return "unknown"
    others = [number(bpm) for bpm in song.bpm.alternatives]
    changes = f", and {many(len(song.tempo_map), 'later change')}" if song.tempo_map else ""
    meter = song.meter_map[0] if song.meter_map else None
    compound = meter is not None and meter.denominator == 8 and meter.numerator in (6, 9, 12)
    dotted = f" in quarters, {number(song.bpm.value / 1.5)} in dotted quarters" if compound else ""
    return f"{number(song.bpm.value)} BPM{dotted}{changes} ({_certainty(song.bpm, others)})"


def _key(key: Estimate[str] | None) -> str:
    if not key:
        return "unknown"
    spelled = [
        f"{spell_key(name)} · {short_key(name)} · {camelot(name)} · {open_key(name)}"
        for name in (key.value, *key.alternatives[:1])
    ]
    if key.source == "measured" and key.confidence < SURE_KEY:
        return f"no clear key; perhaps {' or '.join(spelled)} (measured)"
    return f"{spelled[0]} ({'measured, sure' if key.source == 'measured' else _SOURCES[key.source]})"


def _tuning(cents: float | None) -> str:
    if cents is None or abs(cents) <= IN_TUNE_CENTS:
        return ""
    return f"{cents:+.0f} cents against A4 = 440 Hz (A4 = {440 * 2 ** (cents / 1200):.1f} Hz)"


def _certainty(bpm: Estimate[float], others: list[str]) -> str:
    if bpm.source != "measured":
        return _SOURCES[bpm.source]
    if bpm.confidence >= SURE_BPM:
        return "measured, sure"
    sort = "likely" if bpm.confidence >= LIKELY_BPM else "doubtful"
    return f"measured, {sort}{'; else ' if others else ''}{' or '.join(others[:2])}"


def _bar_one(song: Song) -> str:
    if not song.bpm:
        return "unknown"
    where = f"{clock(song.downbeat_frame, song.sample_rate)} (frame {song.downbeat_frame:,})"
    return f"begins at {where} of the files" if song.downbeat_frame else "begins with the first sample"


def _bars(song: Song) -> Callable[[int], str]:
    """What gives the bar that a frame lies in, up to the last marker; a beat early still counts to the next bar."""
    places = [seconds(mark.at, song.sample_rate) for mark in song.markers]
    every: list[Beat] = []
    for beat in beats(song, Fraction(0), Fraction(10**9)) if places else ():
        every.append(beat)
        if beat.at > max(places):
            break

    def bar(frame: int) -> str:
        following = bisect(every, seconds(frame, song.sample_rate), key=lambda beat: beat.at)
        return str(every[following].bar) if every and every[following].bar > 0 else ""

    return bar


def _lengths(files: list[AudioFile]) -> str:
    texts = {f"{clock(f.frames, f.format.sample_rate)} ({f.frames:,} frames)": f.frames for f in files}
    shortest_first = sorted(texts, key=texts.__getitem__)
    return " to ".join(dict.fromkeys((*shortest_first[:1], *shortest_first[-1:]))) or "–"


def _format(form: AudioFormat) -> str:
    depth = f"{form.container}, lossy" if form.encoding == "lossy" else f"{form.bits}-bit {form.encoding}"
    channels = {1: "mono", 2: "stereo"}.get(form.channels, f"{form.channels} channels")
    return f"{form.sample_rate:,} Hz · {depth.replace('pcm', 'PCM')} · {channels}"
