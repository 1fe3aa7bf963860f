"""The proof of a filled template: read back, the clips that went into it compared with the plan.

Everything else in it is the user's: its gains, effects and routing make its sound, so there is nothing to null against.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from stemwright.errors import InputError, OutputError, SessionError
from stemwright.model import AudioFile, Clip, Session
from stemwright.naming import one_line
from stemwright.safety import sha256
from stemwright.session.compare import GAIN_DB, Difference, same_file
from stemwright.session.filling.match import Filled
from stemwright.session.formats import format_of, read_session, readers
from stemwright.session.verify import Verified
from stemwright.units import rescale

FIELDS = ("audio", "clip_gain", "fades")
"""What is compared."""

NOT_VERIFIED = "not verified: how the filled session sounds; gains, effects and routing are the template's"


def prove_filled(path: Path, session: Session, filled: Filled) -> Verified:
    """Read a filled template back and find every clip of its stems on its track.

    Raises OutputError, naming the first that is not as planned.
    """
    form, _ = format_of(path, readers)
    hint = "do not send it; this is a bug of stemwright, please report it"
    folders = dict.fromkeys(file.path.absolute().parent for file in session.files)
    try:
        opened = read_session(path, *folders, search=False)
    except (InputError, SessionError) as error:
        raise OutputError(f"{path}: was filled, but cannot be read back: {error.message}", hint) from error
    for difference in differences(session, opened.session, filled.placed):
        raise OutputError(f"{path}: is not what was planned: {difference}", hint)
    return Verified(path.name, form, tuple((field, "kept") for field in FIELDS), warnings=(NOT_VERIFIED,))


def differences(planned: Session, read: Session, placed: tuple[tuple[str, str], ...]) -> Iterator[Difference]:
    """Every clip that is not on the track that took its stem."""
    stems = {track.name: track for track in planned.tracks}
    for stem, track in placed:
        name = one_line(track).strip() or "Track"
        there = [c for t in read.tracks if t.name == name or t.name.startswith(f"{name} (") for c in t.clips]
        for clip in stems[stem].clips:
            if not any(_alike(clip, other, planned.sample_rate, read.sample_rate) for other in there):
                yield Difference("audio", f"{stem} on {track}", _told(clip), ", ".join(map(_told, there)) or "nothing")


def _alike(a: Clip, b: Clip, rate: int, other_rate: int) -> bool:
    """Whether two clips are the same; within a frame where the template counts in frames of another rate."""
    ours, theirs = ((c.at, c.length, c.source_from, c.fade_in, c.fade_out) for c in (a, b))
    late = max(abs(rescale(x, rate, other_rate) - y) for x, y in zip(ours, theirs, strict=True))
    return late <= (rate != other_rate) and abs(a.gain_db - b.gain_db) <= GAIN_DB and _same(a.file, b.file)


def _same(one: AudioFile, other: AudioFile) -> bool:
    return same_file(one, other) or (other.path.is_file() and sha256(one.path) == sha256(other.path))


def _told(clip: Clip) -> str:
    place = f"{clip.file.path.name} at {clip.at}, {clip.length} frames from {clip.source_from}"
    return f"{place}, {clip.gain_db:+.3f} dB, fades {clip.fade_in} and {clip.fade_out}"
