"""bench sdr: how near the stems of a split come to the true ones, beside demucs's own code and the mix itself."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stemwright import naming
from stemwright.audio.folder import read_stems
from stemwright.audio.probe import majority_rate, probe
from stemwright.audio.resample import resampled
from stemwright.audio.stream import Block, read_all
from stemwright.audio.wav import WavWriter
from stemwright.errors import InputError, SettingsError
from stemwright.measure.sdr import sdr, si_sdr, windowed_sdr
from stemwright.model import Outcome, Workflow
from stemwright.units import db, rescale
from stemwright.workflows import separation
from stemwright.workflows.bench import stereo
from stemwright.workflows.separation import SplitOptions

if TYPE_CHECKING:
    from stemwright.separate import Network
    from stemwright.separate.plan import Plan

_REST = ("other", "instrumental", "accompaniment", "residual")
_MANNERS: dict[str, Any] = {"raw": "off", "shared": "spread", "other": "other"}
"""What the columns are called, and the residual that is asked for."""


@dataclass(frozen=True, slots=True)
class Ratios:
    """Of one estimate, dB."""

    sdr: float
    si_sdr: float
    sdr_1s: float
    """Median over windows of 1 s, as museval's."""


@dataclass(frozen=True, slots=True)
class Score:
    """One true stem, or several, against the outputs that stand for it."""

    truth: str
    outputs: str
    by: dict[str, Ratios]
    """raw, shared, other, demucs (where it can be run), and the mix in place of a stem."""


def score(
    folder: Path, options: SplitOptions, seconds: tuple[float, float] | None = None
) -> Workflow[Outcome[tuple[Score, ...]]]:
    """Split the sum of a folder of true stems, and compare. Raises as `separation.split` does."""
    stems = read_stems(folder).stems
    rate = majority_rate(tuple(stem.file for stem in stems))
    audio = [stereo(stem.file, rate, seconds) for stem in stems]
    frames = max((block.shape[1] for block in audio), default=0)
    if frames < rate:
        raise InputError(f"{folder}: less than a second of true stems", "give another folder, or other --seconds")
    audio = [np.pad(block, ((0, 0), (0, frames - block.shape[1]))) for block in audio]
    mix = np.sum(audio, axis=0)
    gain = min(1.0, (1 - 2**-23) / max(float(np.abs(mix).max()), 1e-9))
    truths, mix = [block * np.float32(gain) for block in audio], mix * np.float32(gain)
    plan = separation.plan_of(replace(options, residual="spread"))
    groups = _grouped([stem.name for stem in stems], plan.stems)
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "mix.wav"
        with WavWriter(source, rate, 2, 32, "float") as out:
            out.write(mix)
        made = yield from _estimates(source, options)
        if theirs := _demucs(Path(scratch), plan, mix, rate, options):
            made["demucs"] = theirs
    true = np.stack([_sum(truths, which) for which, _ in groups])
    columns = {name: np.stack([_sum(of, keys) for _, keys in groups]) for name, of in made.items()}
    columns["mix"] = np.stack([mix] * len(groups))
    windowed = {name: windowed_sdr(true, column, rate) for name, column in columns.items()}
    scores = []
    for row, (which, keys) in enumerate(groups):
        pairs = {name: (true[row], column[row]) for name, column in columns.items()}
        by = {name: Ratios(sdr(*pair), si_sdr(*pair), windowed[name][row]) for name, pair in pairs.items()}
        scores.append(Score(" + ".join(stems[at].name for at in which), " + ".join(keys), by))
    told = [f"the true stems were lowered by {-db(gain):.2f} dB, or their sum would clip"] if gain < 1 else []
    if unheard := set(plan.stems) - {key for _, keys in groups for key in keys}:
        told.append(f"no true stem stands for {', '.join(sorted(unheard))}; what it holds is missing elsewhere")
    return Outcome((), tuple(scores), tuple(told))


def _sum(parts: Any, which: list[Any]) -> Block:
    made: Block = np.sum([parts[key] for key in which], axis=0)
    return made


def _grouped(names: list[str], outputs: tuple[str, ...]) -> list[tuple[list[int], list[str]]]:
    """Which true stems stand for which outputs; those that share an output are taken together."""
    found: list[tuple[list[int], list[str]]] = []
    for number, name in enumerate(names):
        said = _roles(name)
        keys = [key for key in outputs if any(_is(role, key) for role in said)]
        keys = keys or [key for key in outputs if key in _REST or key.startswith("no_")]
        if not keys:
            raise SettingsError(f"the true stem {name} stands for none of: {', '.join(outputs)}", "take another model")
        same = [group for group in found if set(group[1]) & set(keys)]
        found = [group for group in found if group not in same]
        which = sorted([number, *(at for group in same for at in group[0])])
        found.append((which, [key for key in outputs if key in keys or any(key in group[1] for group in same)]))
    return found


def _roles(name: str) -> list[str]:
    """All roles that a name tells: `BassDrums30` -> bass, drums; `Bass Guitar` -> bass."""
    known = {synonym: role for role, about in naming.roles().items() for synonym in about.words}
    said, found, at = naming.words(name), [], 0
    while at < len(said):
        ends = [end for end in range(len(said), at, -1) if " ".join(said[at:end]) in known]
        if ends:
            found.append(known[" ".join(said[at : ends[0]])])
        at = ends[0] if ends else at + 1
    return found or [naming.guess_role(name)]


def _is(role: str, output: str) -> bool:
    wanted = naming.guess_role(output)
    return wanted != "other" and (role == wanted or role.startswith(f"{wanted}."))


def _estimates(source: Path, options: SplitOptions) -> Workflow[dict[str, dict[str, Block]]]:
    """Outputs by manner; the network hears the song once."""
    from stemwright.separate.engine import Engine
    from stemwright.separate.hearing import Manner
    from stemwright.separate.split import split

    file, made, engines = probe(source), {}, None
    for column, residual in _MANNERS.items():
        asked = replace(options, residual=residual)
        try:
            plan = separation.plan_of(asked)
        except SettingsError:  # no `other` to take the rest
            continue
        if engines is None:
            loaded = yield from separation.ready(asked)
            engines = {name: Engine(_remembering(one.network), batch=one.batch) for name, one in loaded.items()}
        paths = {key: source.with_name(f"{column}_{key}.wav") for key in plan.stems}
        how = Manner(bits=32, share=residual != "off")
        yield from split(
            file, plan, engines, paths, lambda _, path: WavWriter(path, file.format.sample_rate, 2, 32, "float"), how
        )
        made[column] = {key: read_all(probe(path)) for key, path in paths.items()}
    return made


def _remembering(network: Network) -> Network:
    """The same network, which makes nothing twice."""
    known: dict[bytes, Any] = {}
    everything = tuple(range(len(network.card.stems)))

    def forward(heard: Any, wanted: tuple[int, ...]) -> Any:
        key = heard.cpu().numpy().tobytes()
        if key not in known:
            known[key] = network.forward(heard, everything).cpu()
        return known[key][:, list(wanted)].to(heard.device)

    return replace(network, forward=forward)


def _demucs(scratch: Path, plan: Plan, mix: Block, rate: int, options: SplitOptions) -> dict[str, Block]:
    """What demucs's own `apply_model(shifts=0)` makes; nothing for plans that are not one network of its."""
    from stemwright import separate
    from stemwright.separate import stock

    (card, *more), node = plan.cards, plan.nodes[0]
    if more or card.family != "demucs" or node.rest:
        return {}
    stock.repo(scratch, card, small=False)
    heard = _at(mix, rate, card.sample_rate, rescale(mix.shape[1], rate, card.sample_rate))
    made = stock.applied(scratch, heard, separate.choose_device(options.device))().numpy()
    back = ((name, made[card.stems.index(stem)]) for name, stem in node.give.items())
    return {name: _at(stem, card.sample_rate, rate, mix.shape[1]) for name, stem in back}


def _at(samples: Block, from_rate: int, to_rate: int, frames: int) -> Block:
    return np.concatenate([*resampled([samples], from_rate, to_rate, frames)], axis=1)
