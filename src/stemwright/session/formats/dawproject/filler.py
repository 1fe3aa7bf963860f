"""Stems into the user's own .dawproject: clips in the arrangement and the audio behind them, nothing else is touched.

Every other entry of the zip keeps its packed bytes, and project.xml keeps each byte around the new elements. Clips
stand at their time by the template's own tempo map. Clip gain becomes a gain expression, because the volumes of the
tracks are the template's.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright.errors import SessionError
from stemwright.model import Session, Track
from stemwright.safety import atomic
from stemwright.session.filling.match import Filled, Slot, filled, match, other_grid
from stemwright.session.formats.dawproject import container
from stemwright.session.formats.dawproject.clips import Making, entry_names, put_clip, store
from stemwright.session.formats.dawproject.reader import is_group, is_master, points_in
from stemwright.session.formats.xml import Insertion, insert

if TYPE_CHECKING:
    from lxml.etree import _Element


def fill(template: Path, session: Session, path: Path, mapping: Mapping[str, str]) -> Filled:
    """Fill a project. Raises what `match` and `read` raise, and SessionError for XML that is not in UTF-8."""
    with container.opened(template) as archive:
        data, root = container.project(archive, template)
        if sum(info.filename == "project.xml" for info in archive.infolist()) != 1:
            raise SessionError(f"{template}: holds more than one project.xml", "save it again in the DAW")
        rows = [track for track in root.iterfind("Structure//Track") if track.get("id") and not is_master(track)]
        taken = dict.fromkeys(_taken(root), "holds clips already")
        silent = {track.get("id"): "is a folder or takes no audio" for track in rows if not _takes_audio(track)}
        slots = [Slot(track.get("name", ""), (taken | silent).get(track.get("id"), "")) for track in rows]
        stems = [track for track in session.tracks if track.clips]
        chosen = match(slots, stems, mapping)
        files = {clip.file.path: clip.file for stem in chosen.values() for clip in stem.clips}
        names, points = entry_names(files, archive.namelist()), points_in(root)
        known = {element.get("id") for element in root.iter("*")}
        ids = (name for number in count() if (name := f"stem{number}") not in known)
        making = Making(session, points, names, "bitwig", ids)
        new = _insertions(making, root, {rows[number].get("id", ""): stem for number, stem in chosen.items()})
        data = insert(data, root, new, template)
        with atomic(path) as part, zipfile.ZipFile(part, "w") as made:
            made.writestr(container.renewed(archive.getinfo("project.xml")), data)
            container.copy(archive, template, made, skip="project.xml")
            for file in files.values():
                store(made, file, names[file.path])
            made.comment = archive.comment
    return filled(slots, stems, chosen, other_grid(session, points))


def _takes_audio(track: _Element) -> bool:
    """Whether it is a track for audio, no group, no return of a send and none for notes only."""
    channel, content = track.find("Channel"), track.get("contentType", "audio").split()
    regular = channel is None or channel.get("role", "regular") == "regular"
    return regular and "audio" in content and not is_group(track)


def _taken(root: _Element) -> set[str]:
    """The ids of the tracks that hold clips."""
    clips = root.iterfind("Arrangement/Lanes//Clip")
    return {next((track for a in clip.iterancestors() if (track := a.get("track"))), "") for clip in clips}


def _insertions(making: Making, root: _Element, stems: Mapping[str, Track]) -> Iterator[Insertion]:
    """The clips of every stem, by the id of its track; where the track has no lane yet, with one around them."""
    from lxml import etree

    lanes = root.find("Arrangement/Lanes")
    home = lanes if lanes is not None else etree.Element("Lanes", {"timeUnit": "beats", "id": next(making.ids)})
    for track, stem in stems.items():
        own = _own(home, track)
        clips = own if own is None or own.tag == "Clips" else own.find("Clips")
        unit = _unit(clips if clips is not None else own if own is not None else home)
        here = replace(making, unit=unit, style="raw" if unit == "seconds" else "bitwig")
        made = etree.Element("Clips")
        for clip in stem.clips:
            put_clip(here, made, stem, clip)
        if clips is not None:
            yield from ((clips, len(clips), clip) for clip in made)
            continue
        made.set("id", next(making.ids))
        if own is not None:
            yield own, len(own), made
            continue
        lane = etree.Element("Lanes", {"track": track, "id": next(making.ids)})
        lane.append(made)
        if lanes is not None:
            yield lanes, len(lanes), lane
        else:
            home.append(lane)
    arrangement, structure = root.find("Arrangement"), root.find("Structure")
    if lanes is None and len(home) and arrangement is not None:
        yield arrangement, 0, home
    elif lanes is None and len(home) and structure is not None:
        arrangement = etree.Element("Arrangement", {"id": next(making.ids)})
        arrangement.append(home)
        yield root, root.index(structure) + 1, arrangement


def _own(lanes: _Element, track: str) -> _Element | None:
    """The first timeline of a track that holds clips, or may."""
    timelines = (timeline for timeline in lanes.iter("Lanes", "Clips") if timeline.get("track") == track)
    return next((timeline for timeline in timelines if next(timeline.iterancestors("Clip"), None) is None), None)


def _unit(timeline: _Element) -> str:
    """What a timeline counts in."""
    units = (element.get("timeUnit", "") for element in (timeline, *timeline.iterancestors()))
    return next((unit for unit in units if unit in ("beats", "seconds")), "beats")
