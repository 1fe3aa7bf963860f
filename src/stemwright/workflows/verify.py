"""session verify: whether a session file is what its stems say it should be."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from stemwright.audio.folder import read_stems
from stemwright.errors import NotFoundInput
from stemwright.handover import manifest
from stemwright.model import Outcome, Progress, Song, StemSet
from stemwright.safety import readable
from stemwright.session.arrange import arrange
from stemwright.session.verify import STEMS, Verified, verify_session
from stemwright.workflows import deliver
from stemwright.workflows.steps import Workflow


def verify(path: Path, against: Path | None = None) -> Workflow[Outcome[Verified]]:
    """Compare and null a session with the plain arrangement of a folder of stems: that beside it unless one is given.

    Beside a session with media of its own (`interchange`, as Ardour keeps them) means beside its folder.
    Without stems only the media of the session are looked for. Raises what `verify_session`, `read_stems` and
    `arrange` raise.
    """
    try:
        path.stat()
    except OSError as error:
        raise readable(error, path) from error
    yield Progress("verify", 0, 1)
    home = path.absolute().parent
    beside = home.parent if (home / "interchange").is_dir() else home
    try:
        stems = _stems(against or beside)
    except NotFoundInput:
        if against:
            raise
        return _outcome(verify_session(path))
    return _outcome(verify_session(path, arrange(stems), STEMS))


def _stems(folder: Path) -> StemSet:
    """The stems as their delivery's manifest names them, or else as their files do."""
    found = manifest.read(folder / manifest.NAME)
    made = next((step for step in found.steps if step.name == "stems"), None) if found else None
    if made:
        try:
            stems = deliver.stem_set(folder, made, Song(folder.name, 1))
            return replace(stems, song=replace(stems.song, sample_rate=stems.everything[0].file.format.sample_rate))
        except (TypeError, KeyError, AttributeError, IndexError):
            pass  # another version's or someone's edit
    return read_stems(folder)


def _outcome(verified: Verified) -> Outcome[Verified]:
    skipped = (f"not verified: {verified.skipped}",) if verified.skipped else ()
    return Outcome((), verified, (*verified.warnings, *skipped))
