"""A mix becomes stems: the step of a delivery that has them written, and says how they were made."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stemwright.audio.chunks import Bext
from stemwright.audio.tagging import description, facts_of, wav_chunks
from stemwright.audio.tags import read_cover
from stemwright.audio.wav import WavWriter
from stemwright.handover import SeparationFacts, manifest
from stemwright.model import AudioFile, AudioFormat, Output, Song, Workflow
from stemwright.naming import guess_role, label, safe_name, unused
from stemwright.workflows import separation
from stemwright.workflows.separation import SplitOptions
from stemwright.workflows.steps import Made

if TYPE_CHECKING:
    from stemwright.separate.engine import Engine


def split(
    file: AudioFile, song: Song, options: SplitOptions, folder: Path, engines: Mapping[str, Engine]
) -> Workflow[Made]:
    """Split a mix into `folder`: stems and `Song_FullMix.wav`, at the source's rate and length.

    `engines` are what `separation.ready` gives; it is asked again when there are none.
    """
    from stemwright.separate.hearing import Manner
    from stemwright.separate.plan import MIX
    from stemwright.separate.split import split as split_file

    loaded = engines or (yield from separation.ready(options))
    start, frames = yield from separation.stretch(file, options)
    plan = separation.plan_of(options)
    bits = int(options.bit_depth.removesuffix("f"))
    used: set[str] = set()
    named = {key: _named(key, song.title, folder, used) for key in (*plan.stems, MIX)}
    cover = read_cover(file.path)
    form = file.format

    def writer(key: str, path: Path) -> AbstractContextManager[WavWriter]:
        # The source's date, not today's: making a stem again must give the same bytes.
        made = datetime.fromtimestamp(file.path.stat().st_mtime)
        facts = facts_of(song, named[key].name, "mix" if key == MIX else named[key].role, file.tags, cover)
        place = (file.start_frame or 0) + start
        bext = Bext.dated(made, description(facts), place)
        channels, mask = (1, 0) if options.stereo_mode == "mono" else (form.channels, form.channel_mask)
        encoding: Any = "float" if bits == 32 else "pcm"
        told = wav_chunks(facts, AudioFormat("wav", encoding, bits, form.sample_rate, channels), frames)
        chunks = [(name, body) for name, body in told.items() if body]
        return WavWriter(path, form.sample_rate, channels, bits, encoding, bext=bext, channel_mask=mask, chunks=chunks)

    share = options.residual != "off"
    manner = Manner(start, frames, options.stereo_mode, bits, share, options.overlap, options.shifts)
    places = {key: place.path for key, place in named.items()}
    result = yield from split_file(file, plan, loaded, places, writer, manner)
    networks = [engine.network for engine in loaded.values()]
    facts = SeparationFacts(
        model=" + ".join(loaded),
        preset=f"{plan.name}, {options.quality}" if plan.name else "",
        weights_sha256=", ".join(sha for network in networks for _, sha in network.weights),
        terms="\n\n".join(dict.fromkeys(card.terms.text.strip() for card in plan.cards)),
        device=_joined(network.setup.device for network in networks),
        precision=_joined(network.setup.precision for network in networks),
        versions=manifest.package_versions(*(name for network in networks for name in network.packages)),
        gain_db=result.gain_db,
        residual_dbfs=result.residual_dbfs,
        shared=plan.complete and share,
        exact_sum=result.sums,
        resampled=any(card.sample_rate not in (0, form.sample_rate) for card in plan.cards),
        calmed_s=result.calmed_frames / form.sample_rate,
        remarks=tuple(dict.fromkeys(remark for engine in loaded.values() for remark in engine.remarks)),
    )
    outputs = [Output(places[key], "mix" if key == MIX else "stem", named[key].role) for key, _ in result.files]
    about = {places[key].name: {"name": named[key].name, "gain_db": result.gain_db} for key, _ in result.files}
    found = _found(file, result.dual_mono)
    found += [f"There is nothing in {named[key].name}." for key in result.silent]
    asked = _asked(file, options, start, frames)
    told = asked[:1] if options.preview_s else []
    made = {"stems": about, "separation": facts, "warnings": _warnings(facts) + found + told, "done": asked + found}
    return outputs, made


def _joined(words: Iterable[str]) -> str:
    return " and ".join(dict.fromkeys(words))


def _warnings(facts: SeparationFacts) -> list[str]:
    found = list(facts.remarks)
    if facts.gain_db < -0.005:
        found.append(f"all stems and the mix were lowered by {-facts.gain_db:.2f} dB, because one would have clipped")
    if facts.calmed_s:
        found.append(
            f"for {math.ceil(1000 * facts.calmed_s)} ms the network put out nonsense that cancels in the sum; "
            "see the notes"
        )
    return found


def _asked(file: AudioFile, options: SplitOptions, start: int, frames: int) -> list[str]:
    """What else was done to the audio because it was asked for, a sentence each."""
    rate, said = file.format.sample_rate, []
    if options.stretch:
        kind = "This is a preview: only the loudest" if options.preview_s else "This is a part of the song:"
        said.append(f"{kind} {frames / rate:g} s, from {start / rate:.3f} s on; the BWF time stamps say so too.")
    if options.stereo_mode == "mono" and file.format.channels > 1:
        said.append("The mix was made mono (mean of its channels) before it was split.")
    elif options.stereo_mode in ("mid_sides", "left_right") and file.format.channels > 1:
        said.append(f"The network heard {options.stereo_mode.replace('_', ' and ')} one by one.")
    if options.bit_depth != "24":
        said.append({"16": "Rounded to 16 bit, without dither.", "32f": "Written as 32-bit float."}[options.bit_depth])
    return said


def _found(file: AudioFile, dual_mono: bool) -> list[str]:
    """What is odd about the mix, a sentence each."""
    said = []
    if dual_mono and file.format.channels == 2:
        said.append("Both channels of the mix are the same, and so are those of the stems.")
    if file.format.lossy:
        said.append(f"The mix came as {file.format.container.upper()}, a lossy format; a WAV of it would be better.")
    return said


@dataclass(frozen=True, slots=True)
class _Named:
    path: Path
    name: str
    role: str


def _named(key: str, title: str, folder: Path, used: set[str]) -> _Named:
    """Path, track name and role of an output of a split."""
    role = guess_role(key.removeprefix("no_").replace("_", " "))
    if key.startswith("no_"):
        role, name = "other", f"No{label(role)}"
    else:
        name = label(role) if role != "other" or key == "other" else safe_name(key.replace("_", " ").title(), 24)
    name = unused(name.replace("_", ""), used)
    return _Named(folder / f"{safe_name(title, 36)}_{name}.wav", name, role)
