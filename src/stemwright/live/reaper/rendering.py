"""REAPER's render settings: read, set for an export, put back.

Sources: the documentation of GetSetProjectInfo in REAPER's API for the numbers; REAPER's own projects for
RENDER_FORMAT, which is base64 of the sink's four letters backwards and its settings, for WAV and AIFF the word length;
the REAPER User Guide, "Rendering", for what goes through the master and where a whole project ends.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from stemwright.errors import HostError, SessionError
from stemwright.live import Rendered, Wanted, picked
from stemwright.live.reaper.link import Reaper
from stemwright.model import RenderSettings

_NUMBERS = (
    *("RENDER_SETTINGS", "RENDER_BOUNDSFLAG", "RENDER_STARTPOS", "RENDER_ENDPOS", "RENDER_CHANNELS", "RENDER_SRATE"),
    *("RENDER_TAILFLAG", "RENDER_TAILMS", "RENDER_ADDTOPROJ", "RENDER_DITHER", "RENDER_NORMALIZE"),
)
_TEXTS = ("RENDER_FILE", "RENDER_PATTERN", "RENDER_FORMAT", "RENDER_FORMAT2")

_RENDER = 42230
"""The action "Render project, using the most recent render settings, auto-close render dialog"."""

_STEMS, _MONO_AS_MONO, _WHOLE = 3, 16, 1
_SINKS = {"wave": "wav", "mp3l": "mp3", "oggv": "ogg", "OggS": "opus", "wvpk": "wavpack"}
"""Others are called what everybody calls them."""
_SOURCES = {
    8: "region matrix",
    64: "selected items via master",
    32: "selected items",
    128: "tracks via master",
    4096: "razor edits",
    2: "stems",
    1: "stems and master",
}
"""By the first bit of RENDER_SETTINGS that is set; the master mix has none."""
_BOUNDS = (
    *("custom", "whole project", "time selection", "all regions", "selected items", "selected regions"),
    *("all markers", "selected markers"),
)
_TAIL_BIT = (1, 2, 4, 8, 16, 32, 8, 32)
"""Of RENDER_TAILFLAG, by RENDER_BOUNDSFLAG."""
_PROCESSING = {
    1: "normalised",
    64: "limited",
    512: "faded in",
    1024: "faded out",
    1 << 14: "trimmed at the start",
    1 << 15: "trimmed at the end",
    1 << 16: "padded at the start",
    1 << 17: "padded at the end",
}
"""By bits of RENDER_NORMALIZE, unless the last says that all are off."""
_UNPROCESSED = 1 << 18


def settings(link: Reaper, markers: Collection[str] = ()) -> RenderSettings:
    """What the render dialog of the project is set to; markers called =START and =END bound a whole project."""
    number = {name: int(link.number(name)) for name in _NUMBERS}
    kind, bits = decoded(link.text("GetSetProjectInfo_String", link.project, "RENDER_FORMAT"))
    flags, bounds, dither = number["RENDER_SETTINGS"], number["RENDER_BOUNDSFLAG"], number["RENDER_DITHER"]
    post = 0 if number["RENDER_NORMALIZE"] & _UNPROCESSED else number["RENDER_NORMALIZE"]
    source = next((words for bit, words in _SOURCES.items() if flags & bit), "master")
    dither = 0 if dither & 16 else dither >> 2 if flags & 2 else dither | dither >> 2 if flags & 1 else dither
    known = 0 <= bounds < len(_BOUNDS)
    cut = [name for name in ("=START", "=END") if name in markers] if bounds == _WHOLE else []
    return RenderSettings(
        format=kind,
        bits=bits,
        sample_rate=number["RENDER_SRATE"] or None,
        dither=bool(dither & 1),
        noise_shaping=bool(dither & 2),
        processing=tuple(words for bit, words in _PROCESSING.items() if post & bit),
        interleaved=True,  # REAPER has no other way
        channels=number["RENDER_CHANNELS"] or None,
        tail_s=number["RENDER_TAILMS"] / 1000 if known and number["RENDER_TAILFLAG"] & _TAIL_BIT[bounds] else 0.0,
        imports_after=bool(number["RENDER_ADDTOPROJ"] & 1),
        source=source,
        per_track=source != "master",
        via_master=None if source == "region matrix" else source.endswith("via master") or source == "master",
        bounds=f"to the markers {' and '.join(cut)}" if cut else _BOUNDS[bounds] if known else None,
        whole=bounds == _WHOLE and not cut if known else None,
    )


def decoded(code: str) -> tuple[str | None, int | None]:
    """Format and word length of RENDER_FORMAT; None for what is not known."""
    try:
        data = base64.b64decode(code, validate=True)
    except (binascii.Error, ValueError):
        return None, None
    if len(data) < 5:
        return None, None
    word = data[3::-1].decode("latin-1")
    kind = _SINKS.get(word, word)
    return kind, (32 if data[4] == 33 else data[4]) if kind in ("wav", "aiff", "flac") else None


def encoded(bits: int) -> str:
    """RENDER_FORMAT of a WAV file of that integer word length."""
    return base64.b64encode(b"evaw" + bytes([33 if bits == 32 else bits, 0, 1])).decode()


def export(link: Reaper, wanted: Wanted) -> Rendered:
    """Render tracks to one file each, all from the project's start to its end, and put the user's settings back.

    Whether tracks of mono media become mono files is left as it is: only the user knows if their effects are stereo.
    Raises HostError when REAPER fails or renders less than it was asked for, SessionError when there is nothing to
    render or no such track.
    """
    with link.held():
        every = [link.call("GetTrack", link.project, n) for n in range(link.call("CountTracks", link.project))]
        chosen = _chosen(link, every, wanted)
        names = [_name(link, track) for track in chosen]
        length = link.call("GetProjectLength", link.project)
        mono = int(link.number("RENDER_SETTINGS")) & _MONO_AS_MONO
    unique = all(names) and len({name.lower() for name in names}) == len(names)
    with _kept(link, every):
        with link.held():
            for track in every:
                link.call("SetMediaTrackInfo_Value", track, "I_SELECTED", float(track in chosen))
            link.put(
                {
                    "RENDER_SETTINGS": float(_STEMS | mono),
                    "RENDER_BOUNDSFLAG": 0.0,  # custom, as a whole project may end at markers
                    "RENDER_STARTPOS": 0.0,
                    "RENDER_ENDPOS": length,
                    "RENDER_CHANNELS": 2.0,
                    "RENDER_SRATE": 0.0,  # the project's
                    "RENDER_TAILFLAG": float(wanted.tail_s > 0),
                    "RENDER_TAILMS": float(round(1000 * wanted.tail_s)),
                    "RENDER_ADDTOPROJ": 0.0,
                    "RENDER_DITHER": 0.0,
                    "RENDER_NORMALIZE": 0.0,
                    "RENDER_FILE": str(wanted.folder),
                    "RENDER_PATTERN": "$track" if unique else "$tracknumber-$track",
                    "RENDER_FORMAT": encoded(wanted.bits),
                    "RENDER_FORMAT2": "",
                }
            )
        # one pass for all tracks, at a tenth of the music's pace at worst
        link.call("Main_OnCommandEx", _RENDER, 0, link.project, limit_s=120 + 10 * (length + wanted.tail_s))
    made = tuple(sorted(wanted.folder.glob("*.wav")))
    if len(made) < len(chosen) and not link.calls.dry:
        hint = "was the render cancelled? Give the command again"
        raise HostError(f"REAPER rendered {len(made)} of {len(chosen)} stems", hint)
    return Rendered(made, RenderSettings(via_master=False))


def _chosen(link: Reaper, every: list[object], wanted: Wanted) -> list[object]:
    """The tracks that are asked for, or else selected, or else all that play something and are no folders."""
    if wanted.tracks:
        return picked(wanted, {_name(link, track): track for track in reversed(every)}, link.name, link.calls.dry)
    selected = [track for track in every if link.call("GetMediaTrackInfo_Value", track, "I_SELECTED")]
    chosen = selected or [
        track
        for track in every
        if link.call("CountTrackMediaItems", track) and not link.call("GetMediaTrackInfo_Value", track, "B_MUTE")
    ]
    if not chosen:
        raise SessionError(f"{link.name}: no track plays anything", "select the tracks that are to be exported")
    return chosen


def _name(link: Reaper, track: object) -> str:
    return link.text("GetSetMediaTrackInfo_String", track, "P_NAME")


@contextmanager
def _kept(link: Reaper, tracks: list[object]) -> Iterator[None]:
    """A block after which the project's render settings and selection of tracks are what they were."""
    with link.held():
        before: dict[str, float | str] = {name: link.number(name) for name in _NUMBERS}
        before |= {name: link.text("GetSetProjectInfo_String", link.project, name) for name in _TEXTS}
        selected = [link.call("GetMediaTrackInfo_Value", track, "I_SELECTED") for track in tracks]
    try:
        yield
    finally:
        try:
            if not link.settled():
                raise HostError("REAPER does not answer", "")
            with link.held():
                link.put(before)
                for track, was in zip(tracks, selected, strict=True):
                    link.call("SetMediaTrackInfo_Value", track, "I_SELECTED", was)
        except HostError as error:
            raise HostError(
                f"{error.message}: the render settings of {link.name} could not be put back",
                "look at them in REAPER (File > Render) before the next render, or reopen the project without saving",
            ) from error
