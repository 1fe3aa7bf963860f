"""The notes: what a careful assistant would write down for the mix engineer, from a Jinja template.

Templates lie in `templates/notes/<name>.txt.j2` and `.md.j2`; one dropped into the user's template folder wins.
They run in Jinja's sandbox, because people share templates.
"""

from __future__ import annotations

import datetime
import math
import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stemwright import __version__, resources
from stemwright.errors import SettingsError
from stemwright.handover import SeparationFacts
from stemwright.model import Estimate, Finding, Loss, Stem, StemSet
from stemwright.naming import label
from stemwright.units import camelot, clock, short_key, spell_key

if TYPE_CHECKING:
    import jinja2


@dataclass(frozen=True, slots=True)
class NotesFacts:
    """Everything that notes and report are made from."""

    stems: StemSet
    findings: tuple[Finding, ...] = ()
    separation: SeparationFacts | None = None
    sessions: tuple[tuple[str, tuple[Loss, ...]], ...] = ()
    """(session file name, what it had no place for)."""
    date: datetime.date = field(default_factory=datetime.date.today)


def render_notes(facts: NotesFacts, template: str = "mix-engineer", suffix: str = ".txt") -> str:
    """The notes as text. Raises SettingsError for a template that is missing, broken or not allowed to do that."""
    import jinja2
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    path = resources.find("notes", template + suffix, ".j2")
    environment = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    environment.filters |= {"cut": cut, "cell": cell, "dbfs": dbfs}
    try:
        return environment.from_string(path.read_text(encoding="utf-8")).render(_words(facts))
    except jinja2.TemplateSyntaxError as error:
        raise SettingsError(f"{path}, line {error.lineno}: {error.message}", "mend that line of the template") from error
    except (jinja2.TemplateError, TypeError, ArithmeticError, ValueError) as error:
        raise SettingsError(f"{path}{_line(error)}: {error}", "the names that exist stand in the packaged template") from error


def _line(error: BaseException) -> str:
    """The template's line in which an error came up."""
    trace, line = error.__traceback__, None
    while trace:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return f", line {line}" if line else ""


def cut(text: object, width: int) -> str:
    """Text in exactly `width` columns, shortened with an ellipsis or filled with spaces; wide characters count two."""
    out, used = "", 0
    for character in " ".join(str(text).split()):
        columns = 0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if used + columns > width - (columns > 0 and len(str(text)) > width):
            out, used = out + "…", used + 1
            break
        out, used = out + character, used + columns
    return out + " " * (width - used)


def cell(text: object) -> str:
    """Text that cannot break out of a Markdown table cell or start markup."""
    flat = " ".join(str(text).split())
    return "".join(f"\\{c}" if c in "\\`*[]<>|#" else c for c in flat)


def dbfs(level: float) -> str:
    """`-6.1`, or `silent`."""
    return f"{level:.1f}" if math.isfinite(level) else "silent"


def _words(facts: NotesFacts) -> dict[str, Any]:
    """The names a template may use; all of them plain text, numbers and lists."""
    stems, song = facts.stems, facts.stems.song
    lengths = {stem.file.frames for stem in stems.everything}
    rates = sorted({stem.file.format.sample_rate for stem in stems.everything})
    gains = {stem.gain_db for stem in stems.everything}
    return {
        "title": song.title,
        "artist": song.artist,
        "bpm": f"{round(song.bpm.value, 2):g}" if song.bpm else "",
        "bpm_about": _sureness(song.bpm, [f"{round(b, 2):g}" for b in song.bpm.alternatives] if song.bpm else []),
        "key": spell_key(song.key.value) if song.key else "",
        "key_short": short_key(song.key.value) if song.key else "",
        "camelot": camelot(song.key.value) if song.key else "",
        "key_about": _sureness(song.key, [spell_key(k) for k in song.key.alternatives] if song.key else []),
        "meter": f"{song.meter_map[0].numerator}/{song.meter_map[0].denominator}",
        "bar_one": clock(song.downbeat_frame, song.sample_rate),
        "sample_rates": [f"{rate:g} Hz" for rate in rates],
        "formats": sorted({_format(stem) for stem in stems.everything}),
        "equal_lengths": len(lengths) == 1,
        "length": clock(max(lengths, default=0), rates[-1]) if rates else "",
        "frames": max(lengths, default=0),
        "stems": [_row(number, stem) for number, stem in enumerate(stems.stems, 1)],
        "mix": _row(0, stems.mix) if stems.mix else None,
        "gain_db": min(gains, default=0.0),
        "separation": facts.separation,
        "sessions": [{"file": name, "losses": losses} for name, losses in facts.sessions],
        "findings": [f for f in facts.findings if f.severity != "info"],
        "infos": sum(f.severity == "info" for f in facts.findings),
        "date": facts.date.isoformat(),
        "version": __version__,
    }


def _row(number: int, stem: Stem) -> dict[str, Any]:
    return {
        "number": number,
        "file": stem.file.path.name,
        "name": stem.name,
        "role": label(stem.role),
        "channels": {1: "mono", 2: "stereo"}.get(stem.file.format.channels, f"{stem.file.format.channels} ch"),
        "length": clock(stem.file.frames, stem.file.format.sample_rate),
        "peak_dbfs": stem.levels.sample_peak_dbfs if stem.levels else -math.inf,
        "effects": stem.printed_effects or "none stated",
    }


def _format(stem: Stem) -> str:
    kind = stem.file.format
    bits = {"float": f"{kind.bits}-bit float", "lossy": "lossy"}.get(kind.encoding, f"{kind.bits}-bit")
    return f"{kind.container.upper()} {bits}"


def _sureness(estimate: Estimate[Any] | None, others: list[str]) -> str:
    """How far a fact can be trusted, in words."""
    if estimate is None:
        return "not known"
    told = {"user": "as given", "tag": "from the file's tags", "filename": "from the name", "session": "from the session"}
    if estimate.source != "measured":
        return told[estimate.source]
    sure = "clear" if estimate.confidence >= 0.7 else "likely" if estimate.confidence >= 0.4 else "doubtful"
    perhaps = f"; perhaps {' or '.join(others[:2])}" if others and sure != "clear" else ""
    return f"measured, {sure}{perhaps}"
