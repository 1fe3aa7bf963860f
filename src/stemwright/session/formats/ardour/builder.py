"""The XML of an Ardour 7 session: what Ardour 7.3 itself writes, without what it fills in by itself.

Times are superclocks, 282 240 000 a second, after an `a` for audio time. A mono track goes through Ardour's own
equal-power panner, for which its fader makes up; whatever has two channels through its balance, unity at the centre;
more channels go straight on. A group is a bus that its members' outputs are connected to. Ports carry the name of their
track with a hyphen for `:` and `/`, which separate the parts of a port's address.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from stemwright.model import AudioFile, Clip, Session, Track
from stemwright.naming import unique
from stemwright.session.formats.ardour.clocks import SUPERCLOCKS, write_tempos
from stemwright.session.formats.ardour.pan import strip
from stemwright.session.formats.xml import add
from stemwright.session.formats.xml import text as fit
from stemwright.session.grid import grid
from stemwright.units import linear, rescale

if TYPE_CHECKING:
    from lxml.etree import _Element

TIMECODES = {
    "timecode_23976": (Fraction(24000, 1001), False),
    "timecode_24": (Fraction(24), False),
    "timecode_24976": (Fraction(25000, 1001), False),
    "timecode_25": (Fraction(25), False),
    "timecode_2997": (Fraction(30000, 1001), False),
    "timecode_2997drop": (Fraction(30000, 1001), True),
    "timecode_30": (Fraction(30), False),
    "timecode_30drop": (Fraction(30), True),
    "timecode_5994": (Fraction(60000, 1001), False),
    "timecode_60": (Fraction(60), False),
}
"""Ardour's names of frame rates, and whether they drop frames."""

_VERSION = 7002
"""Opens in Ardour 7.3 and later."""

_BALANCE = "http://ardour.org/plugin/panner_balance"

_OWN = ("Master", "Monitor", "Auditioner", "Click")
"""Names of ports that Ardour keeps for itself; a track may be called so."""

_PORT_BYTES = 100


@dataclass(frozen=True, slots=True)
class _Strip:
    """A strip of the mixer: ports are called `port`, outputs go into `target`, None for the way out of Ardour."""

    track: Track
    port: str
    inputs: int
    outputs: int
    kind: str
    target: str | None
    kept_open: tuple[int, int] = (0, 0)
    """Soloed tracks upstream and downstream."""


def is_mono(clips: Iterable[Clip]) -> bool:
    """Whether clips make a mono track."""
    return {clip.file.format.channels for clip in clips} == {1}


def build(session: Session, name: str, media: dict[AudioFile, str]) -> _Element:
    """The root element of the session called `name`; `media` are the names of its files in `audiofiles`."""
    from lxml import etree

    root = etree.Element("Session", {"version": str(_VERSION), "name": name, "sample-rate": str(session.sample_rate)})
    ids = itertools.count(1)
    add(root, "ProgramVersion", created_with="stemwright", modified_with="stemwright")
    _config(add(root, "Config"), session)
    metadata = add(root, "Metadata")
    facts = {"title": session.song.title, "artist": session.song.artist, "description": "\n".join(session.notes)}
    for key, text in facts.items():
        if text:
            add(metadata, key).text = "\n".join(map(fit, text.split("\n")))
    sources = _sources(add(root, "Sources"), media, ids)
    add(root, "Regions")
    locations = add(root, "Locations")
    spans = [("session", 0, max(session.frames, 1), "IsSessionRange")]
    spans += [(m.name, m.at, m.end, "IsRangeMarker" if m.length else "IsMark") for m in session.markers]
    for text, start, end, flags in spans:
        times = {"start": _time(session, start), "end": _time(session, end)}
        add(locations, "Location", id=next(ids), name=fit(text), flags=flags, locked=0, **times)
    _routes(add(root, "Routes"), add(root, "Playlists"), session, sources, ids)
    add(root, "RouteGroups")  # without one, even empty, Ardour calls the session corrupt
    write_tempos(add(root, "TempoMap", superclocks_per_second=SUPERCLOCKS), grid(session.song))
    root.set("id-counter", str(next(ids)))
    return root


def _time(session: Session, frames: int) -> str:
    return f"a{rescale(frames, session.sample_rate, SUPERCLOCKS)}"


def _config(config: _Element, session: Session) -> None:
    timecode = next(name for name, rate in TIMECODES.items() if rate == (session.frame_rate, session.drop_frame))
    for name, value in (
        ("native-file-data-format", "FormatInt24"),
        ("native-file-header-format", "BWF"),
        ("timecode-format", timecode),
    ):
        add(config, "Option", name=name, value=value)


def _sources(parent: _Element, media: dict[AudioFile, str], ids: Iterator[int]) -> dict[AudioFile, list[int]]:
    """One source for every channel of every file; their ids."""
    found: dict[AudioFile, list[int]] = {}
    for file, name in media.items():
        found[file] = [next(ids) for _ in range(file.format.channels)]
        for channel, number in enumerate(found[file]):
            add(parent, "Source", name=name, type="audio", flags="", id=number, channel=channel, origin="", gain=1)
    return found


def _routes(
    routes: _Element, playlists: _Element, session: Session, sources: dict[AudioFile, list[int]], ids: Iterator[int]
) -> None:
    """The master, then tracks and buses in the order of the session, each wired to its group or to the master."""
    names = [track.name for track in session.tracks]
    ports = unique([*_OWN, *map(_port, names)])[len(_OWN) :]
    port = dict(zip(names, ports, strict=True))
    buses = _buses(session)
    inputs = _widths(session, buses)
    outputs = {name: max(width, 2) for name, width in inputs.items()}
    soloed = _soloed(session, buses)
    _route(routes, ids, 0, _Strip(Track("Master"), "Master", outputs[None], outputs[None], "MasterOut", None))
    for order, track in enumerate(session.tracks, 1):
        name, target = track.name, port.get(track.group or "", "Master")
        kind = "AudioBus" if track.is_group else "AudioTrack"
        channel = _Strip(track, port[name], inputs[name], outputs[name], kind, target, soloed[name])
        route = _route(routes, ids, order, channel)
        if not track.is_group:
            number = next(ids)
            route.set("audio-playlist", str(number))
            playlist = add(playlists, "Playlist", id=number, name=fit(name), type="audio", frozen=0, combine_ops=0)
            playlist.set("orig-track-id", route.get("id", ""))
            for layer, clip in enumerate(track.clips):
                _region(playlist, session, track, layer, clip, sources[clip.file], ids)


def _port(name: str) -> str:
    """A name for ports: Ardour cuts a longer one off in the middle of a letter."""
    return re.sub("[:/]", "-", fit(name)).encode()[:_PORT_BYTES].decode(errors="ignore")


def _buses(session: Session) -> dict[str, list[str]]:
    """The buses that each track sounds through, the farthest first; a bus stands before what goes into it."""
    found: dict[str, list[str]] = {}
    for track in session.tracks:
        found[track.name] = [*found[track.group], track.group] if track.group else []
    return found


def _widths(session: Session, buses: dict[str, list[str]]) -> dict[str | None, int]:
    """Input channels of every track, bus and (None) the master: a bus is as wide as the widest that goes into it."""
    found: dict[str | None, int] = {None: 2, **{track.name: 1 + track.is_group for track in session.tracks}}
    for track in session.tracks:
        for name in (track.name, *buses[track.name], None):
            found[name] = max(found[name], track.channels)
    return found


def _soloed(session: Session, buses: dict[str, list[str]]) -> dict[str, tuple[int, int]]:
    """By how many tracks upstream and downstream each one is kept open; Ardour stores these counts with the solo."""
    soloed = [track.name for track in session.tracks if track.solo]
    return {
        name: (sum(name in buses[other] for other in soloed), sum(bus in soloed for bus in above))
        for name, above in buses.items()
    }


def _route(routes: _Element, ids: Iterator[int], order: int, channel: _Strip) -> _Element:
    track, port, solo = channel.track, channel.port, channel.kept_open
    name = fit(track.name)
    fader_db, pan = strip(track.gain_db, track.pan) if is_mono(track.clips) else (track.gain_db, track.pan)
    route = add(routes, "Route", version=_VERSION, id=next(ids), name=name, default_type="audio", strict_io=0, active=1)
    colour = int(track.colour[1:] + "ff", 16) if track.colour else 0
    add(route, "PresentationInfo", order=order, flags=f"{channel.kind},OrderSet", color=colour)
    solo_facts = {"self_solo": int(track.solo), "soloed_by_upstream": solo[0], "soloed_by_downstream": solo[1]}
    soloed = int(any(solo_facts.values()))
    add(route, "Controllable", name="solo", id=next(ids), flags="Toggle,RealTime", value=soloed, **solo_facts)
    for direction, count in (("Input", channel.inputs), ("Output", channel.outputs)):
        io = add(route, "IO", name=port, id=next(ids), direction=direction, default_type="audio")
        for place in range(1, count + 1):
            line = add(io, "Port", type="audio", name=f"{port}/audio_{direction[:-3].lower()} {place}")
            if direction == "Output":
                other = f"{channel.target}/audio_in {place}" if channel.target else f"system:playback_{place}"
                add(line, "Connection", other=other)
    mute = int(track.mute)  # Ardour wants it in both places
    add(route, "MuteMaster", mute_point="PreFader,PostFader,Listen,Main", muted=mute)
    add(route, "Controllable", name="mute", id=next(ids), flags="Toggle,RealTime", value=mute)
    if track.comment:
        add(route, "Comment").text = fit(track.comment)
    pannable = add(route, "Pannable")
    add(pannable, "Controllable", name="pan-azimuth", id=next(ids), flags="", value=(1 + pan) / 2)
    if channel.kind == "AudioTrack":
        add(route, "Processor", id=next(ids), name=f"recorder:{name}", active=1, type="diskwriter", record_safe=0)
        add(route, "Processor", id=next(ids), name=f"player:{name}", active=1, type="diskreader")
    fader = add(route, "Processor", id=next(ids), name="Amp", active=1, type="amp")
    gain = f"{linear(fader_db):.15g}"
    add(fader, "Controllable", name="gaincontrol", id=next(ids), flags="GainLike", value=gain)
    add(route, "Processor", id=next(ids), name=f"meter-{name}", active=1, type="meter")
    ends = {"own_input": 1, "own_output": 0, "output": port, "role": "Main"}
    outs = add(route, "Processor", id=next(ids), name=port, active=1, type="main-outs", **ends)
    panner = _BALANCE if channel.inputs == channel.outputs == 2 else ""
    add(outs, "PannerShell", bypassed=int(channel.outputs > 2), user_panner=panner, linked_to_route=1)
    return route


def _region(
    playlist: _Element,
    session: Session,
    track: Track,
    layer: int,
    clip: Clip,
    sources: list[int],
    ids: Iterator[int],
) -> None:
    """A clip. One that overlaps another is see-through, so that both are heard, and one whose fades cross.

    Ardour turns down what lies below where an opaque one fades, and with crossing fades that is the clip itself.
    """
    overlaps = clip.fade_in + clip.fade_out > clip.length or any(
        other is not clip and other.at < clip.end and clip.at < other.end for other in track.clips
    )
    start = _time(session, clip.source_from)
    length = f"{_time(session, clip.length)}@{_time(session, clip.at)}"
    region = add(playlist, "Region", name=fit(track.name), type="audio", id=next(ids), channels=len(sources))
    for key, value in {
        "start": start, "length": length, "sync-position": start,
        "muted": 0, "opaque": int(not overlaps), "locked": 0, "automatic": 0, "whole-file": 0, "hidden": 0,
        "stretch": 1, "shift": 1, "layering-index": layer, "envelope-active": 0, "first-edit": "nothing",
        "default-fade-in": 0, "default-fade-out": 0,
        "fade-in-active": int(clip.fade_in > 0), "fade-out-active": int(clip.fade_out > 0),
        "scale-amplitude": f"{linear(clip.gain_db):.15g}",
        **{f"source-{channel}": number for channel, number in enumerate(sources)},
        **{f"master-source-{channel}": number for channel, number in enumerate(sources)},
    }.items():  # fmt: skip
        region.set(key, str(value))
    for tag, frames, ends in (("FadeIn", clip.fade_in, (0, 1)), ("FadeOut", clip.fade_out, (1, 0))):
        if frames:
            kind = {"automation_id": tag.lower(), "interpolation_style": "Linear", "time_domain": "AudioTime"}
            fade = add(add(region, tag), "AutomationList", id=next(ids), state="Off", **kind)
            add(fade, "events").text = f"a0 {ends[0]}\n{_time(session, frames)} {ends[1]}\n"
