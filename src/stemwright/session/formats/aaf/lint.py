"""Why will this AAF not open in Pro Tools? A structural lint for any AAF, with a reason and a way out for each finding.

The rules are what files exported by Pro Tools, Media Composer, Premiere and Resolve keep, and what the trackers of AAF
libraries report as breaking a host. An AAF without findings keeps these rules; only the host can say that it opens.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from stemwright.model import SEVERITIES, Finding, Fix, Severity
from stemwright.naming import one_line
from stemwright.session.formats.aaf.media import DEEPEST, descriptor_facts, first_clip
from stemwright.session.formats.aaf.objects import Aaf, Node, opened
from stemwright.session.formats.aaf.reader import is_sound
from stemwright.session.media import Roots, find_media, is_rate

_EXPORT = "export the AAF again from the DAW"
_MOST_BYTES = 2 << 30

RULES: dict[str, tuple[Severity, str]] = {
    # code: (severity, what to do)
    "AAF001": ("error", "select one sequence and export that; hosts open exactly one top-level composition"),
    "AAF002": ("warning", "name the sequence: hosts call the session so"),
    "AAF003": ("error", f"{_EXPORT}: hosts find tracks by this number"),
    "AAF004": ("error", "switch timecode on in the export: hosts take the session start from it"),
    "AAF005": ("warning", "name the track; some exports of Pro Tools itself lack this, and it opens them"),
    "AAF006": ("warning", f"{_EXPORT}: the order of tracks comes from this number"),
    "AAF007": ("error", "consolidate the track and export again: everything after this place would be out of sync"),
    "AAF008": ("warning", "render the effect or clip gain and export again: the clip may end too early or late"),
    "AAF009": ("error", "relink or remove the offline clip, then export again"),
    "AAF010": ("error", "replace nested sequences and compound clips by plain clips, then export again"),
    "AAF011": ("error", "use another exporter: without it Pro Tools fails with an assertion"),
    "AAF012": ("error", "export with media (embedded or copied beside the AAF)"),
    "AAF013": ("error", "export mono files (non-interleaved): Pro Tools takes no interleaved audio from an AAF"),
    "AAF014": ("error", "export 16 or 24-bit audio: an AAF holds nothing else"),
    "AAF015": ("error", "export again; the copy may be cut short, compare its size with the original"),
    "AAF016": ("error", "export again, or embed the audio: hosts read the format from this header"),
    "AAF017": ("error", f"{_EXPORT}: hosts relink by this address and expect file:///C%3a/My%20Song.wav"),
    "AAF018": ("warning", "delete the marker or put it on a track: some readers stop at it"),
    "AAF019": ("warning", "bounce all files at one rate: the others are converted on import, or play at a wrong speed"),
    "AAF020": ("error", "put the file beside the AAF or in `Audio Files` there, or export with media embedded"),
    "AAF021": ("warning", "link the audio instead of embedding it, or split the session: hosts stop at 2 GB"),
    "AAF022": ("info", "clips begin at video frames only; give the sample rate as edit rate to place them exactly"),
    "AAF023": ("error", "there is nothing to import: export the sequence with its audio tracks"),
}

_PCM = ("BlockAlign", "QuantizationBits", "Channels", "AudioSamplingRate", "SequenceOffset", "Locked", "ElectroSpatial")
"""What a PCMDescriptor of Pro Tools always has."""


def lint_aaf(path: Path) -> tuple[Finding, ...]:
    """What in an AAF keeps hosts from opening it or misleads them, the gravest first; `fix` says what to do.

    Raises NotFoundInput and InputError for what is no AAF, SessionError for one so damaged that it cannot be read.
    """
    with opened(path) as aaf:
        found = dict.fromkeys((*_composition(aaf), *_essences(aaf, path)))
    findings = [
        Finding(code, RULES[code][0], one_line(message), path, fix=Fix(RULES[code][1], "manual"))
        for code, message in found
    ]
    return tuple(sorted(findings, key=lambda finding: (-SEVERITIES.index(finding.severity), finding.rule)))


_Found = Iterator[tuple[str, str]]


def _composition(aaf: Aaf) -> _Found:
    tops = aaf.compositions()
    if len(tops) != 1:
        yield "AAF001", f"has {len(tops) or 'no'} top-level composition{'s' if tops else ''}"
    for top in tops:
        if not top.text("Name"):
            yield "AAF002", "the composition has no name"
        slots = list(top.nodes("Slots"))
        numbers = Counter(slot.whole("SlotID") for slot in slots)
        for number in (number for number, count in numbers.items() if count > 1):
            yield "AAF003", f"slot number {number} is used {numbers[number]} times"
        if not any(_is_timecode(slot) for slot in slots):
            yield "AAF004", "has no timecode"
        sound = [slot for slot in slots if is_sound(slot)]
        if not sound:
            yield "AAF023", "has no audio tracks"
        for slot in sound:
            yield from _track(aaf, slot)
        numbered = {slot.whole("SlotID") for slot in slots if slot.kind != "EventMobSlot"}
        for slot in (slot for slot in slots if slot.kind == "EventMobSlot"):
            yield from _marks(slot, numbered)


def _is_timecode(slot: Node) -> bool:
    segment = slot.node("Segment")
    if segment and segment.kind == "Sequence":
        segment = next(segment.nodes("Components"), None)
    return segment is not None and segment.kind == "Timecode"


def _track(aaf: Aaf, slot: Node) -> _Found:
    name = slot.text("SlotName") or f"slot {slot.whole('SlotID')}"
    segment = slot.node("Segment")
    if not slot.text("SlotName"):
        yield "AAF005", f"{name} has no name"
    if not slot.whole("PhysicalTrackNumber"):
        yield "AAF006", f"{name} has no track number"
    if not is_rate(slot.rational("EditRate")):
        yield "AAF022", f"{name} counts {float(slot.rational('EditRate')):g} units a second, not samples"
    for part in _walk(segment) if segment else ():
        length = part.whole("Length")
        if part.kind == "Sequence":
            inner = sum(
                -p.whole("Length") if p.kind == "Transition" else p.whole("Length") for p in part.nodes("Components")
            )
            if inner != length:
                yield "AAF007", f"{name} is {length} units long, its clips and gaps {inner}"
        elif part.kind == "OperationGroup":
            if any(p.whole("Length") != length for p in part.nodes("InputSegments")):
                yield "AAF008", f"{name}: an operation is not as long as what it plays"
        elif part.kind == "SourceClip" and any(part.data("SourceID")):
            yield from _chain(aaf, part, name)


def _walk(segment: Node) -> Iterator[Node]:
    """A segment and everything inside it."""
    waiting = [segment]
    while waiting:
        part = waiting.pop()
        yield part
        for name in ("Components", "InputSegments", "Slots", "Choices", "Alternates"):
            waiting += part.nodes(name)
        waiting += filter(None, [part.node("Selected")])


def _chain(aaf: Aaf, clip: Node, track: str) -> _Found:
    """From composition to master to file to (where there is one) tape."""
    kinds: list[str] = []
    current: Node | None = clip
    while current is not None and any(current.data("SourceID")) and len(kinds) < DEEPEST:
        found = aaf.slot(current)
        if found is None:
            if len(kinds) < 2:  # the tape behind the file may be elsewhere
                yield "AAF009", f"{track}: a clip refers to {'nothing' if not kinds else 'a source'} that is not there"
            return
        kinds.append(found[0].kind)
        current = first_clip(found[1].node("Segment"))
    if kinds[:1] != ["MasterMob"] or kinds[1:2] != ["SourceMob"]:
        yield "AAF010", f"{track}: a clip goes {' to '.join(kinds[:4])}, not MasterMob to SourceMob"


def _marks(slot: Node, numbers: set[int]) -> _Found:
    segment = slot.node("Segment")
    for event in segment.nodes("Components") if segment and segment.kind == "Sequence" else ():
        described = event.data("DescribedSlots")
        named = {number for (number,) in struct.iter_unpack("<I", described[: len(described) // 4 * 4])}
        if event.kind == "DescriptiveMarker" and (not named or not named <= numbers):
            yield "AAF018", f"marker {event.text('Comment')!r} describes no track"


def _essences(aaf: Aaf, path: Path) -> _Found:
    rates: dict[int, str] = {}
    for mob in aaf.mobs.values():
        descriptor = mob.node("EssenceDescription")
        if descriptor is None or not ("AudioSamplingRate" in descriptor or descriptor.kind in _AUDIO):
            continue
        name = mob.text("Name") or "an essence"
        yield from _descriptor(aaf, mob, descriptor, name)
        for locator in descriptor.nodes("Locator"):
            yield from _locator(locator, mob, aaf, path, name)
        rates.setdefault(descriptor_facts(descriptor).sample_rate, name)
    if len(rates) > 1:
        yield "AAF019", f"mixed sample rates: {', '.join(f'{rate} Hz ({name})' for rate, name in rates.items())}"
    if aaf.essences and aaf.compound.bytes > _MOST_BYTES:
        yield "AAF021", f"is {aaf.compound.bytes / (1 << 30):.1f} GiB with its audio inside"


_AUDIO = ("PCMDescriptor", "WAVEDescriptor", "AIFCDescriptor", "SoundDescriptor")


def _descriptor(aaf: Aaf, mob: Node, descriptor: Node, name: str) -> _Found:
    essence = aaf.essences.get(mob.data("MobID"))
    pcm = _PCM if descriptor.kind == "PCMDescriptor" and essence else ()
    missing = [key for key in ("ContainerFormat", "SampleRate", "Length", *pcm) if key not in descriptor]
    if missing:
        yield "AAF011", f"{name}: its description lacks {', '.join(missing)}"
    if essence is None and not any(True for _ in descriptor.nodes("Locator")):
        yield "AAF012", f"{name}: its audio is neither inside nor linked"
    facts = descriptor_facts(descriptor)
    if facts.channels > 1:
        yield "AAF013", f"{name}: has {facts.channels} channels in one file"
    if descriptor.kind == "PCMDescriptor":
        bits, align = descriptor.whole("QuantizationBits"), descriptor.whole("BlockAlign")
        if bits not in (16, 24):
            yield "AAF014", f"{name}: has {bits} bits"
        there, told = essence.stream_bytes("Data") if essence else 0, descriptor.whole("Length") * align
        padded = "DataOffset" in descriptor and there > told  # Avid's own media files have a header and a tail
        if essence and is_rate(descriptor.rational("SampleRate")) and there != told and not padded:
            yield "AAF015", f"{name}: {there} bytes of audio are inside, {told} are announced"
    elif descriptor.kind == "WAVEDescriptor":
        summary = descriptor.data("Summary")
        if summary[:4] != b"RIFF" or b"fmt " not in summary:
            yield "AAF016", f"{name}: the header of the file (Summary) is missing"
        elif facts.sample_rate != descriptor.rational("SampleRate"):
            yield "AAF016", f"{name}: {descriptor.rational('SampleRate')} Hz, but {facts.sample_rate} Hz in its header"
        elif facts.bits not in (16, 24):
            yield "AAF014", f"{name}: has {facts.bits} bits"


def _locator(locator: Node, mob: Node, aaf: Aaf, path: Path, name: str) -> _Found:
    url = locator.text("URLString")
    plain = all(" " < letter <= "~" for letter in url)
    if not url.lower().startswith("file:") or not plain:
        yield "AAF017", f"{name}: {url!r} is no file address{'' if plain else ' in plain letters'}"
    if mob.data("MobID") not in aaf.essences and not find_media(url, Roots(path.absolute().parent)):
        yield "AAF020", f"{name}: {url!r} is not beside the AAF; only a machine with this path has it"
