"""What the mix engineer opens first: notes, report, manifest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeparationFacts:
    """How stems were made from a mix; enough to say it honestly and to do it again."""

    model: str
    """Names of the networks, joined by ` + `."""
    preset: str
    """Name and quality; empty when a model was asked for."""
    weights_sha256: str
    """Of every weights file, joined by `, `."""
    terms: str
    """The terms of the weights; the first line says it in short."""
    device: str
    precision: str
    """exact, fast or bf16."""
    versions: dict[str, str]
    """Of the packages that shape the result."""
    gain_db: float
    """The one gain that stems and mix got."""
    residual_dbfs: float | None
    """RMS of mix minus raw stems, before it was shared among them; None when not all stems were made."""
    shared: bool
    """The residual was given to the stems, so that they add up to the mix as exactly as their samples can."""
    exact_sum: bool
    """It was verified on the written files that the stems' samples add up to the mix's."""
    resampled: bool
    """The mix had another sample rate than the model hears."""
    calmed_s: float = 0.0
    """Seconds in which stems were turned down, because the network put out nonsense that cancels in the sum."""
    remarks: tuple[str, ...] = ()
    """What had to be done differently, as when memory was short."""
