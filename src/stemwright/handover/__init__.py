"""What the mix engineer opens first: notes, report, manifest."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SeparationFacts:
    """How stems were made from a mix, as far as a mix engineer or an archive wants to know."""

    model: str
    weights_sha256: str
    terms: str
    """What is known about the licence of the weights."""
    device: str
    versions: tuple[tuple[str, str], ...]
    gain_db: float
    """The one gain that stems and mix got; 0.0 when none was needed."""
    residual_dbfs: float | None
    """RMS of mix minus raw stems, before it was shared out."""
    exact_sum: bool
    """Verified by reading everything back."""
    resampled: bool
    """The model heard the song at another sample rate."""
