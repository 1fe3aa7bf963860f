"""What an Ardour session does to the sound or the plan that a Session has no place for, as warnings."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING

from stemwright.model import Clip
from stemwright.session.told import Told
from stemwright.units import finite

if TYPE_CHECKING:
    from lxml.etree import _Element

_PLUG_INS = {"lv2", "ladspa", "vst", "lxvst", "windows-vst", "mac-vst", "vst3", "audiounit", "luaproc"}
_SENDS = {"send", "intsend", "port", "sidechain"}


def tell_session(root: _Element, told: Told) -> None:
    """Tell of what concerns all tracks: the master, VCAs, ramps of the tempo."""
    for route in root.iterfind("Routes/Route"):
        info = route.find("PresentationInfo")
        if info is None or "Master" not in info.get("flags", ""):
            continue
        levels = (c for c in route.iter("Controllable") if c.get("name") in ("gaincontrol", "trimcontrol"))
        if any(abs(finite(level.get("value"), 1) - 1) > 1e-6 for level in levels):
            told.tell("the gain of the master is not read")
        if _has(route, _PLUG_INS):
            told.tell("plug-ins of the master are not read")
    if root.find("VCAManager/VCA") is not None:
        told.tell("VCA faders are not read")
    for tempo in root.iterfind("TempoMap//Tempo"):
        ends = tempo.get("enpm") or tempo.get("end-beats-per-minute") or ""
        begins = tempo.get("npm") or tempo.get("beats-per-minute") or ""
        if tempo.get("type", "").endswith("Ramp") and finite(ends, 0) != finite(begins, 0):
            told.tell("tempo ramps are read as steps")


def tell_route(route: _Element, name: str, told: Told) -> None:
    """Tell of what a track or bus does."""
    if _has(route, _PLUG_INS):
        told.tell("plug-ins are not read", name)
    if _has(route, _SENDS):
        told.tell("sends are not read", name)
    phases = [c.get("phase-invert", "") for c in route.iterfind("Controllable[@name='phase']")]
    if any("1" in phase for phase in (*phases, route.get("phase-invert", ""))):
        told.tell("inverted polarity of tracks is not read", name)
    if any(a.get("state", "Off") != "Off" and a.findtext("events", "").strip() for a in route.iter("AutomationList")):
        told.tell("automation is not read", name)


def tell_region(region: _Element, name: str, told: Told) -> None:
    """Tell of what a region does."""
    envelope = region.findtext("Envelope/AutomationList/events", "").split()
    if region.get("envelope-active") == "1" and any(finite(level, 1) != 1 for level in envelope[1::2]):
        told.tell("gain envelopes of regions are not read", name)
    for kind in ("in", "out"):
        events = region.findtext(f"Fade{kind.title()}/AutomationList/events", "").split()
        if region.get(f"fade-{kind}-active") == "1" and len(events) > 4:
            told.tell("curved fades are read as straight lines", name)


def tell_layers(playlist: _Element | None, layers: Iterable[list[Clip]], name: str, told: Told) -> None:
    """Tell of clips that cover what lies below them, where they are opaque."""
    if playlist is None or not any(region.get("opaque") == "1" for region in playlist.iterfind("Region")):
        return
    for clips in layers:
        ordered = sorted(clips, key=lambda clip: clip.at)
        if any(later.at < clip.end for clip, later in pairwise(ordered)):
            told.tell("regions that lie over others are read as if both sounded", name)


def _has(route: _Element, kinds: set[str]) -> bool:
    return any(p.get("type") in kinds and p.get("active", "1") in ("1", "yes") for p in route.iterfind("Processor"))
