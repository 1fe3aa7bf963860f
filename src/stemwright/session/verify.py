"""The proof of a session file: read back, compared with its plan field by field, rendered and nulled against it.

The null test plays both sessions with the pan law of the host; what is left must stay below -120 dBFS, or below half
a 24-bit step for each clip that is heard, because formats that copy audio may round it so. Media that the session
keeps as copies are compared sample by sample, so that two stems of a sum cannot have changed places. Where the user
has the host itself, its render is nulled against ours as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from stemwright.audio.stream import blocks
from stemwright.errors import InputError, OutputError, SessionError
from stemwright.model import AudioFile, Clip, Session, Track
from stemwright.session.compare import Difference, differences, same_file
from stemwright.session.fields import FIELDS
from stemwright.session.formats import format_of, read_session, readers
from stemwright.session.hosts import Host, played_residual, require_format
from stemwright.session.render import NULL_DBFS, balance, residual_dbfs, voices
from stemwright.units import db

STEMS = frozenset({"audio", "clip_gain", "fades", "gain", "pan", "mute", "solo"})
"""The fields that stems alone decide; song facts and layout are not theirs."""

_HALF_STEP = 2.0**-24
"""Of 24-bit samples; full scale is 1."""

State = Literal["kept", "differs", "no place", "unused"]


@dataclass(frozen=True, slots=True)
class Verified:
    """What verifying a session file found."""

    name: str  # of the file
    format: str
    fields: tuple[tuple[str, State], ...] = ()  # none where there was no plan to compare with
    differences: tuple[Difference, ...] = ()
    residual_dbfs: float | None = None  # peak of render less plan; None where no audio could be compared
    limit_dbfs: float = NULL_DBFS
    warnings: tuple[str, ...] = ()
    skipped: str = ""  # why nothing was verified
    layout: str = ""  # the session template of its plan, where one was looked for
    host: str = ""  # the program that rendered the session
    host_residual_dbfs: float | None = None  # peak of its render less ours

    @property
    def ok(self) -> bool:
        """Nothing differs. A session that was skipped is not proved wrong either."""
        return not self.differences


def verify_session(
    path: Path,
    planned: Session | None = None,
    fields: frozenset[str] = frozenset(FIELDS),
    host: Host | None = None,
) -> Verified:
    """Verify a session file against its plan, in the given fields; without a plan only that its media are there.

    A `host` renders the session too, which is nulled against our render of the plan, or without one of what was read.
    Media are found as the DAW finds them, see `session.media`; they may lie in the folders of the plan's. Raises
    SessionError and InputError for what is no session or a damaged one, DamagedAudio and its kin for media that stop
    early, and what `hosts.played` raises for a host that cannot render.
    """
    form, module = format_of(path, readers)
    if host:
        require_format(host, path, form)
    if planned and hasattr(module, "held"):
        planned = module.held(planned)
    files = [file.path for file in planned.files] if planned else []
    roots = tuple(dict.fromkeys(p.parent for path in files for p in (path.absolute(), path.resolve())))
    opened = read_session(path, *roots, search=False)
    read = _by_fader(opened.session, module.EXPRESSES)
    found = list(_missing(read))
    law = getattr(module, "PAN_LAW", balance)
    host_residual = None
    if host:
        expected = _only(_by_fader(planned, module.EXPRESSES) if planned else read, _is_there)
        host_residual, wrong = played_residual(host, path, read, expected, roots, law)
        found += [Difference("audio", f"render by {host.title}", *pair) for pair in wrong]
    facts: dict[str, Any] = {
        "warnings": opened.warnings, "host": host.title if host else "", "host_residual_dbfs": host_residual
    }  # fmt: skip
    if planned is None:
        return Verified(path.name, form, (), tuple(found), **facts)
    expresses: frozenset[str] = module.EXPRESSES & fields
    held = _as_held(_by_fader(planned, module.EXPRESSES), module.EXPRESSES)
    found += differences(held, read, expresses)
    residual, limit = None, NULL_DBFS
    if "audio" in expresses and planned.sample_rate == read.sample_rate:
        found += _copies(held, read)
        ours, theirs = _fit_to_render(held), _fit_to_render(read)
        limit = max(NULL_DBFS, db(_HALF_STEP * len(voices(ours, law))))
        residual = residual_dbfs(ours, theirs, law)
        if residual > limit:
            found.append(Difference("audio", "render", f"less than {limit:.1f} dBFS left", f"{residual:.1f} dBFS"))
    table = tuple((field, _state(field, planned, module.EXPRESSES, found)) for field in FIELDS if field in fields)
    return Verified(path.name, form, table, tuple(found), residual, limit, **facts)


def prove(path: Path, planned: Session) -> Verified:
    """Verify a session that was just written. Raises OutputError, naming the field, when it is not what was planned."""
    hint = "this is a bug of stemwright, please report it; such a session must not be sent"
    try:
        found = verify_session(path, planned)
    except (InputError, SessionError) as error:
        raise OutputError(f"{path}: was written, but cannot be read back: {error.message}", hint) from error
    if found.differences:
        more = f" (and {len(found.differences) - 1} more)" if len(found.differences) > 1 else ""
        raise OutputError(f"{path}: is not what was planned: {found.differences[0]}{more}", hint)
    return found


def _state(field: str, planned: Session, expresses: frozenset[str], found: list[Difference]) -> State:
    if any(difference.field == field for difference in found):
        return "differs"
    if not any(FIELDS[field][1](planned)):
        return "unused"
    return "kept" if field in expresses else "no place"


def _missing(read: Session) -> Iterator[Difference]:
    for track in read.tracks:
        for clip in track.clips:
            if not clip.file.bytes:
                yield Difference("audio", track.name, clip.file.path.name, "missing")


def _as_held(planned: Session, expresses: frozenset[str]) -> Session:
    """The plan without what a format has no place for, as its losses tell."""
    unheld = {"gain": ("gain_db", 0.0), "pan": ("pan", 0.0), "mute": ("mute", False), "solo": ("solo", False)}
    flat: dict[str, Any] = dict(rest for field, rest in unheld.items() if field not in expresses)
    unfaded: dict[str, Any] = {} if "fades" in expresses else {"fade_in": 0, "fade_out": 0}
    if "groups" not in expresses:
        flat["group"] = None
    tracks = (
        replace(track, **flat, clips=tuple(replace(clip, **unfaded) for clip in track.clips))
        for track in planned.tracks
        if "groups" in expresses or not track.is_group
    )
    return replace(planned, tracks=tuple(tracks))


def _by_fader(session: Session, expresses: frozenset[str]) -> Session:
    """Where there is no clip gain, the fader takes what all clips of a track share, and the rest is lost."""
    if "clip_gain" in expresses:
        return session

    def put(track: Track) -> Track:
        gain = track.clip_gain_db if "gain" in expresses else 0.0
        clips = tuple(replace(clip, gain_db=0.0) for clip in track.clips)
        return replace(track, gain_db=track.gain_db + gain, clips=clips)

    return replace(session, tracks=tuple(map(put, session.tracks)))


def _fit_to_render(session: Session) -> Session:
    """Without clips whose file is missing or has another rate, which a host converts in its own way."""
    return _only(session, lambda clip: clip.file.format.sample_rate == session.sample_rate and _is_there(clip))


def _is_there(clip: Clip) -> bool:
    return clip.file.bytes > 0 and clip.file.path.is_file()


def _only(session: Session, wanted: Callable[[Clip], bool]) -> Session:
    tracks = (replace(track, clips=tuple(filter(wanted, track.clips))) for track in session.tracks)
    return replace(session, tracks=tuple(tracks))


def _copies(planned: Session, read: Session) -> Iterator[Difference]:
    """Media that are no longer the planned files: those whose samples are others."""
    theirs = {track.name: track for track in read.tracks}
    for track in planned.tracks:
        other = theirs.get(track.name)
        for a, b in zip(track.clips, other.clips if other else (), strict=False):
            if not same_file(a.file, b.file) and b.file.bytes and not _alike(a.file, b.file):
                yield Difference("audio", track.name, f"the samples of {a.file.path.name}", f"those of {b.file.path}")


def _alike(one: AudioFile, other: AudioFile) -> bool:
    """Whether two files hold the same samples, to half a 24-bit step."""
    if (one.frames, one.format.channels) != (other.frames, other.format.channels):
        return False
    try:
        pairs = zip(blocks(one), blocks(other), strict=True)
        return all(bool((np.abs(a - b) <= _HALF_STEP).all()) for a, b in pairs)
    except InputError:
        return False
