"""A mix is split: what a user can ask for, what must be there before, and the step that writes the stems."""

from __future__ import annotations

import math
import os
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from stemwright import serial
from stemwright.audio.chunks import Bext
from stemwright.audio.probe import probe, require_whole
from stemwright.audio.stream import blocks
from stemwright.audio.tags import read_cover, stem_id3
from stemwright.audio.wav import WavWriter
from stemwright.errors import MissingExtra, SettingsError, WeightsUnavailable
from stemwright.handover import SeparationFacts, manifest
from stemwright.handover.manifest import Ledger
from stemwright.model import AudioFile, Output, Progress, Song
from stemwright.naming import guess_role, label, safe_name, unused
from stemwright.workflows.steps import Made, Workflow

if TYPE_CHECKING:
    from stemwright.separate import Precision
    from stemwright.separate.engine import Engine
    from stemwright.separate.plan import Plan

STEREO_MODES = ("stereo", "mono", "mid_sides", "left_right")


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """What a user can ask of a split."""

    preset: str = "4_tracks"
    quality: Literal["draft", "good", "best"] = "good"
    model: str = ""
    """All stems of this model, instead of a preset."""
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    two_stems: str | None = None
    residual: Literal["spread", "other", "file", "off"] = "spread"
    """Where what the network leaves over goes: to all stems, to `other`, to a file of its own, or nowhere."""
    selection: tuple[float, float] | None = None
    """Only this stretch, from and to in seconds."""
    preview_s: float | None = None
    """Only the loudest stretch of this many seconds."""
    stereo_mode: Literal["stereo", "mono", "mid_sides", "left_right"] = "stereo"
    bit_depth: Literal["16", "24", "32f"] = "24"
    prompt: str = ""
    spans: tuple[tuple[float, float], ...] = ()
    """Where the prompted sound is heard, in seconds."""
    shifts: int = 1
    overlap: float | None = None
    precision: Literal["auto", "exact", "fast", "bf16"] = "auto"
    device: str = "auto"
    offline: bool = False

    @property
    def stretch(self) -> str:
        """What the folder of a part of a song is called after."""
        if self.selection:
            return f"_{self.selection[0]:g}s-{self.selection[1]:g}s"
        return "_Preview" if self.preview_s else ""


def song_file(path: Path) -> AudioFile:
    """The probed input of a split. Raises InputError and its kin, also when the file lost its end."""
    file = probe(path)
    require_whole(file)
    return file


def plan_of(options: SplitOptions) -> Plan:
    """What is to be run. Raises SettingsError for what no preset or model has."""
    from stemwright.separate import plan as plans

    plan = plans.of_model(options.model) if options.model else plans.choose(options.preset, options.quality)
    plan = replace(plan, prompt=options.prompt or plan.prompt)
    prompted = any(card.prompted for card in plan.cards)
    if prompted and not plan.prompt:
        raise SettingsError("this model listens for what you describe", "say it: --prompt 'acoustic guitar'")
    if (options.prompt or options.spans) and not prompted:
        raise SettingsError("this model takes no prompt and no spans", "use them with --preset custom")
    plan = plans.narrow(plan, options.only, options.without, options.two_stems)
    return plans.with_residual(plan, options.residual) if options.residual in ("other", "file") else plan


def parts(inputs: Any, song: Song, options: SplitOptions) -> list[Any]:
    """Everything that split stems depend on; the device is left out, because it is no choice about the result."""
    plan = plan_of(options)
    weights = [file.sha256 for card in plan.cards for member in card.members for file in member.files]
    asked = serial.plain(replace(options, device="", offline=False))
    return [inputs, song.title, song.artist, serial.plain(plan), weights, asked]


def is_done(ledger: Ledger, inputs: Any, song: Song, options: SplitOptions) -> bool:
    """Whether an earlier run made these very stems."""
    return ledger.done("stems", manifest.key("stems", parts(inputs, song, options))) is not None


def ready(options: SplitOptions) -> Workflow[dict[str, Engine]]:
    """Make sure that a split can run, before anything is written: packages, device, stems asked for, weights.

    Returns the plan's networks in memory, where they stay from song to song. Raises MissingExtra, SettingsError,
    WeightsError; what can be had instead is named, never taken.
    """
    from stemwright import separate
    from stemwright.separate import weights
    from stemwright.separate.engine import resident
    from stemwright.separate.precision import best_precision

    plan = plan_of(options)
    device = separate.choose_device(options.device)
    precision: Precision = best_precision(device) if options.precision == "auto" else options.precision
    found = {}
    for card in plan.cards:
        prompt, spans = (plan.prompt, options.spans) if card.prompted else ("", ())
        try:
            separate.family(card)
            paths = yield from weights.pull(card, offline=options.offline)
            yield Progress("load model", 0, 0)
            found[card.name] = resident(card.name, paths, separate.Setup(device, precision, prompt, spans))
        except (MissingExtra, WeightsUnavailable) as error:
            raise type(error)(error.message, error.hint + _instead(plan, options)) from error
    return found


def _instead(plan: Plan, options: SplitOptions) -> str:
    """What is here and makes some of the same stems, or the same preset in another quality."""
    from stemwright.separate import models, weights
    from stemwright.separate import plan as plans

    here = weights.ready()
    other = plans.preset(options.preset).plans if not options.model else {}
    found = [f"--quality {q}" for q, made in other.items() if {card.name for card in made.cards} <= set(here)]
    wanted = {stem for card in plan.cards for stem in card.stems}
    found += [f"--model {name}" for name in here if wanted & set(models.card(name).stems)]
    return f"; ready here instead: {' or '.join(found)}" if found else ""


def songs_at_once(options: SplitOptions) -> int:
    """How many songs are best open at once: on a GPU one is read and another written while a third is heard."""
    from stemwright import separate

    return 3 if separate.choose_device(options.device) == "cuda" else 1


def stretch(file: AudioFile, options: SplitOptions) -> Workflow[tuple[int, int]]:
    """First frame and length of what is wanted. Raises SettingsError for a place that the song does not have."""
    rate = file.format.sample_rate
    if options.preview_s:
        return (yield from loudest(file, options.preview_s))
    if not options.selection:
        return 0, file.frames
    start, end = (round(seconds * rate) for seconds in options.selection)
    if not 0 <= start < min(end, file.frames):
        raise SettingsError(
            f"{file.path}: has nothing from {options.selection[0]:g} to {options.selection[1]:g} s",
            f"it is {file.frames / rate:.1f} s long; write --selection FROM:TO in seconds",
        )
    return start, min(end, file.frames) - start


def split(file: AudioFile, song: Song, options: SplitOptions, folder: Path) -> Workflow[Made]:
    """Split a mix into `folder`: stems and `Song_FullMix.wav`, at the source's rate and length."""
    from stemwright.separate.plan import MIX
    from stemwright.separate.split import Manner
    from stemwright.separate.split import split as split_file

    loaded = yield from ready(options)
    start, frames = yield from stretch(file, options)
    plan = plan_of(options)
    bits = int(options.bit_depth.removesuffix("f"))
    used: set[str] = set()
    named = {key: _named(key, song.title, folder, used) for key in (*plan.stems, MIX)}
    cover = read_cover(file.path)
    form = file.format

    def writer(key: str, path: Path) -> AbstractContextManager[WavWriter]:
        # The source's date, not today's: making a stem again must give the same bytes.
        made = datetime.fromtimestamp(file.path.stat().st_mtime)
        tags = {**dict(file.tags), "title": f"{song.title} - {named[key].name}", "artist": song.artist}
        bext = Bext(
            tags["title"],
            date=made.strftime("%Y-%m-%d"),
            clock=made.strftime("%H:%M:%S"),
            time_reference=(file.start_frame or 0) + start,
        )
        channels, mask = (1, 0) if options.stereo_mode == "mono" else (form.channels, form.channel_mask)
        id3 = stem_id3(tags.items(), cover) or None
        encoding: Any = "float" if bits == 32 else "pcm"
        return WavWriter(path, form.sample_rate, channels, bits, encoding, bext=bext, id3=id3, channel_mask=mask)

    share = options.residual != "off"
    manner = Manner(start, frames, options.stereo_mode, bits, share, options.overlap, options.shifts)
    places = {key: place.path for key, place in named.items()}
    result = yield from split_file(file, plan, loaded, places, writer, manner)
    remarks = tuple(dict.fromkeys(remark for engine in loaded.values() for remark in engine.remarks))
    facts = SeparationFacts(
        model=" + ".join(loaded),
        preset=f"{plan.name}, {options.quality}" if plan.name else "",
        weights_sha256=", ".join(sha for engine in loaded.values() for _, sha in engine.network.weights),
        terms="\n\n".join(dict.fromkeys(card.terms.text.strip() for card in plan.cards)),
        device=next(iter(loaded.values())).network.setup.device,
        precision=next(iter(loaded.values())).network.setup.precision,
        versions=manifest.package_versions(*(name for engine in loaded.values() for name in engine.network.packages)),
        gain_db=result.gain_db,
        residual_dbfs=result.residual_dbfs,
        exact_sum=result.sums,
        resampled=any(card.sample_rate not in (0, form.sample_rate) for card in plan.cards),
        calmed_s=result.calmed_frames / form.sample_rate,
        remarks=remarks,
    )
    outputs = [Output(places[key], "mix" if key == MIX else "stem", named[key].role) for key, _ in result.files]
    about = {places[key].name: {"name": named[key].name, "gain_db": result.gain_db} for key, _ in result.files}
    done = _done(file, options, start, frames, result.dual_mono)
    return outputs, {"stems": about, "separation": facts, "warnings": _warnings(facts), "done": done}


def _warnings(facts: SeparationFacts) -> list[str]:
    found = list(facts.remarks)
    if facts.gain_db:
        found.append(f"all stems and the mix were lowered by {-facts.gain_db:.2f} dB, because one would have clipped")
    if facts.calmed_s:
        found.append(
            f"for {math.ceil(1000 * facts.calmed_s)} ms the network put out nonsense that cancels in the sum; "
            "see the notes"
        )
    return found


def _done(file: AudioFile, options: SplitOptions, start: int, frames: int, dual_mono: bool) -> list[str]:
    """What else was done to the audio, a sentence each."""
    rate, done = file.format.sample_rate, []
    if options.stretch:
        kind = "This is a preview: only the loudest" if options.preview_s else "This is a part of the song:"
        done.append(f"{kind} {frames / rate:g} s, from {start / rate:.3f} s on; the BWF time stamps say so too.")
    if options.stereo_mode == "mono":
        done.append("The mix was made mono (mean of its channels) before it was split.")
    elif options.stereo_mode != "stereo":
        done.append(f"The channels were heard one by one ({options.stereo_mode.replace('_', ' and ')}).")
    if dual_mono and file.format.channels == 2:
        done.append("Both channels of the mix are the same, and so are those of the stems.")
    if options.bit_depth != "24":
        done.append({"16": "Rounded to 16 bit, without dither.", "32f": "Written as 32-bit float."}[options.bit_depth])
    if file.format.encoding == "lossy":
        done.append(f"The mix came as {file.format.container.upper()}, a lossy format; a WAV of it would be better.")
    return done


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


def loudest(file: AudioFile, length_s: float) -> Workflow[tuple[int, int]]:
    """First frame and length of the loudest stretch of a file; it starts on a whole second."""
    rate = file.format.sample_rate
    powers: list[float] = []
    for second, block in enumerate(blocks(file, rate)):
        powers.append(float(np.square(block, dtype=np.float64).sum()))
        yield Progress("preview", second * rate, file.frames, "frames")
    width = max(1, round(length_s))
    sums = np.convolve(powers, np.ones(min(width, len(powers))), "valid")
    start, count = int(np.argmax(sums)) * rate, min(file.frames, round(length_s * rate))
    return max(0, min(start, file.frames - count)), count


def cut_out(file: AudioFile, start: int, frames: int, scratch: Path) -> AudioFile:
    """A stretch of a file as a 32-bit float WAV of the same name, date and tags in `scratch`, to be measured."""
    target = scratch / f"{file.path.stem}.wav"
    with WavWriter(target, file.format.sample_rate, file.format.channels, 32, "float") as out:
        for block in blocks(file, start=start, frames=frames):
            out.write(block)
    date = file.path.stat().st_mtime
    os.utime(target, (date, date))
    return replace(probe(target), tags=file.tags)
