"""session verify: whether a session file is what its stems say it should be."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from stemwright import resources
from stemwright.audio.folder import read_stems
from stemwright.errors import NotFoundInput, SettingsError, UnknownName
from stemwright.handover import manifest
from stemwright.handover.manifest import Manifest
from stemwright.model import Outcome, Progress, Session, Song, StemSet, Workflow
from stemwright.safety import reading
from stemwright.session.arrange import arrange
from stemwright.session.formats import format_of, readers
from stemwright.session.hosts import Host
from stemwright.session.verify import STEMS, Verified, verify_session
from stemwright.workflows import deliver, facts, guides

DEFAULT = "mix-engineer"

SONG = frozenset({"tempo", "tempo_map", "meter", "markers", "regions"})
"""The fields that a delivery's record of the song decides."""

_UNKNOWN = "tempo, metre and markers are not compared: only a delivery's manifest says what they should be"


def verify(
    path: Path, against: Path | None = None, host: Host | None = None, layout: str = ""
) -> Workflow[Outcome[Verified]]:
    """Compare and null a session with the plain arrangement of a folder of stems: that beside it unless one is given.

    Beside a session in a project folder, as Ardour and Live keep them, means beside that folder. It may be
    laid out as any session template says, or only as `layout` does. Without stems only the media of the session are
    looked for. Tempo, metre and markers are those that a delivery's manifest records; nobody else says them. A `host`
    renders the session as well. Raises what `verify_session`, `read_stems` and `arrange` raise.
    """
    with reading(path):
        path.stat()
    yield Progress("verify", 0, 1)
    home = path.absolute().parent
    own = any((home / name).is_dir() for name in ("interchange", "Ableton Project Info"))
    folder = against or (home.parent if own else home)
    song = facts.recorded_song(folder)
    record = manifest.read(folder / manifest.NAME)
    try:
        stems = _stems(folder, record, song)
    except NotFoundInput:
        if against:
            raise
        return _outcome(verify_session(path, host=host))
    form, module = format_of(path, readers)
    if not module.EXPRESSES & STEMS:
        return _outcome(Verified(path.name, form, skipped=f"{module.NAME} holds nothing that stems decide"))
    fields = STEMS | (SONG if song else frozenset())
    plan, found = _nearest(path, _plans(stems, record, layout), fields)
    if host:
        found = replace(verify_session(path, plan, fields, host), layout=found.layout)
    unknown = () if song or not module.EXPRESSES & SONG else (_UNKNOWN,)
    files = (stem.file for stem in stems.everything)
    foreign = [file.path.name for file in files if file.format.sample_rate != plan.sample_rate]
    told = f"not in the null test, because their sample rate is another: {', '.join(foreign)}"
    cut = (
        f"{one.path.name}: {d.detail}"
        for one in (s.file for s in stems.everything)
        for d in one.damage
        if d.lost_frames
    )
    return _outcome(found, (*((told,) if foreign else ()), *cut, *unknown))


def _plans(stems: StemSet, record: Manifest | None, layout: str) -> Iterator[tuple[str, Session]]:
    """The stems laid out as was asked for; or as the delivery was, in the usual way, in every other that is known."""
    if layout:
        yield layout, arrange(stems, layout, mixed_rates=True)
        return
    recorded = (record and record.option("layout")) or DEFAULT
    for name in dict.fromkeys((recorded, DEFAULT, *resources.names("sessions"))):
        with suppress(SettingsError, UnknownName):  # the user's own template that is broken, or lies elsewhere
            yield name, arrange(stems, name, mixed_rates=True)


def _nearest(path: Path, plans: Iterator[tuple[str, Session]], fields: frozenset[str]) -> tuple[Session, Verified]:
    """The first plan that the session is, or else the one from which it differs least."""
    best: tuple[Session, Verified] | None = None
    for name, plan in plans:
        found = replace(verify_session(path, plan, fields), layout=name)
        if best is None or len(found.differences) < len(best[1].differences):
            best = plan, found
        if found.ok:
            break
    if best is None:
        raise SettingsError(
            "no session template can be used", "mend the templates in your own folder, or give --layout"
        )
    return best


def _stems(folder: Path, record: Manifest | None, song: Song | None) -> StemSet:
    """The stems as their delivery's manifest names them, or else as their files do; with the song that it recorded."""
    made, guided = (record.step("stems"), record.step("guides")) if record else (None, None)
    if made:
        try:
            stems = deliver.stem_set(folder, made, song or Song(folder.name, 1))
            if guided:
                stems = guides.with_guides(stems, guided)
            rate = stems.everything[0].file.format.sample_rate
            return stems if song else replace(stems, song=replace(stems.song, sample_rate=rate))
        except (TypeError, KeyError, AttributeError, IndexError):
            pass  # another version's or someone's edit
    stems = read_stems(folder)
    return replace(stems, song=song) if song else stems


def _outcome(verified: Verified, told: tuple[str, ...] = ()) -> Outcome[Verified]:
    skipped = (f"not verified: {verified.skipped}",) if verified.skipped else ()
    return Outcome((), verified, (*verified.warnings, *told, *skipped))
