"""What a repair is before it is done: one `Treatment` for each file that comes out, all of them a `Plan`.

Nothing here changes a file. Frames count at the rate of the result; `head` places the first frame of the source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import Any, Literal, cast

from stemwright.model import Finding, Levels, Stem, StemSet
from stemwright.repair.lost import left_behind

_DOUBTFUL = {
    "truncated": "its end is missing",
    "second-data": "it holds two pieces of audio",
    "second-fmt": "it states two formats",
    "md5": "its samples are not those that its checksum was made of",
}
"""Damage that a rewritten file would only hide."""

_WAV = (".wav", ".wave", ".bwf", ".rf64")


@dataclass(frozen=True, slots=True)
class Treatment:
    """What becomes of one file. As long as `rewrite` is not set it is copied byte by byte."""

    sources: tuple[Stem, ...]  # one; or two mono halves, left and right, that are interleaved
    name: str  # file name in the result
    rate: int  # Hz
    frames: int  # length of the result
    bits: int
    encoding: Literal["pcm", "float"]
    channels: tuple[int, ...]  # those of the source that stay; of two sources all are counted on
    signs: tuple[int, ...]  # +1, or -1 to invert, for each of `channels`
    mix: bool = False  # it is the reference mix
    rewrite: bool = False
    head: int = 0  # frames of silence put in front; negative: so many frames of silence are taken off
    start: int | None = None  # TimeReference, frames since midnight; None: no bext chunk
    new_bext: bool = False  # the bext fields are written anew instead of kept
    ixml: bytes | None = None  # a new iXML body; None: the old one is kept
    lossy: bool = False  # samples change for good; only then may the following be set
    gain_db: float = 0.0
    offset: tuple[float, ...] = ()  # DC of each channel, taken off wherever there is no digital silence
    fade: int = 0  # frames that fade to nothing where the source ends
    steps: tuple[str, ...] = ()  # what is done, in words

    @property
    def stem(self) -> Stem:
        """The source, or the left one."""
        return self.sources[0]

    @property
    def levels(self) -> Levels:
        """What was measured in it."""
        return cast(Levels, self.stem.levels)  # only measured stems are treated

    @property
    def renamed(self) -> bool:
        """Whether it gets another name."""
        return self.name != self.stem.file.path.name

    @property
    def changed(self) -> bool:
        """Whether it comes out other than it went in."""
        return self.rewrite or self.renamed

    @property
    def scale(self) -> float:
        """Frames of the result for one of the source."""
        return self.rate / self.stem.file.format.sample_rate

    @property
    def body(self) -> int:
        """Frames of the source, at the rate of the result."""
        return round(self.stem.file.frames * self.scale)

    @property
    def sound(self) -> tuple[int, int] | None:
        """First frame of the first sound and end of the last one, in the result; None in silence."""
        if self.scale != 1 or len(self.sources) > 1:
            return self.head, self.head + self.body  # somewhere in there
        first, last = self.levels.first_sound, self.levels.last_sound
        return None if first is None or last is None else (self.head + first, self.head + last + 1)

    @property
    def fits_24(self) -> bool:
        """Whether a 24-bit file can hold every sample."""
        found = self.levels
        return found.words.on_24_bit_grid and found.lowest >= -1 and found.highest < 1 and not found.not_finite.count

    @property
    def obstacle(self) -> str:
        """Why its samples cannot be written as WAV to the bit; empty when they can."""
        file, form = self.stem.file, self.stem.file.format
        if form.lossy:
            return f"it is {form.container.upper()}: what was lost does not come back, and unpacking would hide it"
        if not file.frames:
            return "it holds no samples"
        for damage in file.damage:
            if damage.kind in _DOUBTFUL:
                return f"nothing can be built on it: {_DOUBTFUL[damage.kind]}"
        if form.bits > (24 if form.encoding == "pcm" else 32) and not (self.lossy or self.fits_24):
            return f"its {form.bits}-bit samples fit no file that every DAW reads"
        return ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that a repair will do, and what it will not."""

    treatments: tuple[Treatment, ...]
    aside: tuple[tuple[Path, str], ...] = ()  # files that are not taken over, and why
    claims: tuple[Finding, ...] = ()  # what will be found no more
    refused: tuple[tuple[Finding, str], ...] = ()  # what stays, and why

    @property
    def stems(self) -> tuple[Treatment, ...]:
        """The treatments of all but the reference mix."""
        return tuple(treatment for treatment in self.treatments if not treatment.mix)

    def of(self, path: Path | None) -> Treatment | None:
        """The treatment that a file goes into."""
        return next((t for t in self.treatments if any(stem.file.path == path for stem in t.sources)), None)

    def change(self, treatment: Treatment, step: str, answers: Iterable[Finding] = (), **changes: Any) -> Plan:
        """The plan with one treatment changed, which answers these findings. Refuses what cannot be written."""
        rewrite = treatment.rewrite or bool(changes.keys() - {"name"})
        steps = treatment.steps if step in ("", *treatment.steps) else (*treatment.steps, step)
        made = replace(treatment, **{**changes, "rewrite": rewrite, "steps": steps})
        if rewrite and PurePath(made.name).suffix.lower() not in _WAV:  # what is written is WAV
            made = replace(made, name=PurePath(made.name).stem + ".wav")
        if made.rewrite and made.obstacle:
            return self.refuse(answers, made.obstacle)
        if made.rewrite and not treatment.rewrite and (lost := left_behind(made.stem.file)):
            made = replace(made, steps=(*made.steps, lost))
        others = tuple(made if one is treatment else one for one in self.treatments)
        return replace(self, treatments=others).claim(answers)

    def each(self, findings: Iterable[Finding], answer: Callable[[Treatment, Finding], dict[str, Any] | str]) -> Plan:
        """The plan with `answer` for every file named: what changes (with its "step"), or why it is left."""
        plan = self
        for finding in findings:
            if treatment := plan.of(finding.subject):
                found = answer(treatment, finding)
                if isinstance(found, str):
                    plan = plan.refuse((finding,), found)
                else:
                    plan = plan.change(treatment, answers=(finding,), **found)
        return plan

    def claim(self, findings: Iterable[Finding]) -> Plan:
        """The plan answers these findings, too."""
        return replace(self, claims=(*self.claims, *findings))

    def refuse(self, findings: Iterable[Finding], reason: str) -> Plan:
        """The plan leaves these findings, for that reason."""
        return replace(self, refused=(*self.refused, *((finding, reason) for finding in findings)))

    def put_aside(self, path: Path, why: str, *answers: Finding) -> Plan:
        """The plan without a file."""
        kept = tuple(t for t in self.treatments if all(stem.file.path != path for stem in t.sources))
        return replace(self, treatments=kept, aside=(*self.aside, (path, why))).claim(answers)


def unchanged(stems: StemSet) -> Plan:
    """The plan that copies every file."""
    return Plan(tuple(_untouched(stem, stem is stems.mix) for stem in stems.everything))


def _untouched(stem: Stem, mix: bool) -> Treatment:
    file, form = stem.file, stem.file.format
    made = Treatment(
        sources=(stem,),
        name=file.path.name,
        rate=form.sample_rate,
        frames=file.frames,
        bits=32 if form.encoding == "float" else 16 if form.bits <= 16 else 24,
        encoding="float" if form.encoding == "float" else "pcm",
        channels=tuple(range(form.channels)),
        signs=(1,) * form.channels,
        mix=mix,
        start=file.start_frame,
    )
    return replace(made, bits=24, encoding="pcm") if form.bits == 64 and made.fits_24 else made
