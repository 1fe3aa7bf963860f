"""What notes say, read soberly: a number counts only where it stands with its unit or its word."""

from __future__ import annotations

import re

_TOPICS = {
    "BPM": r"(?i)\b(?:bpm|tempo)\b|\d\s*bpm\b",
    "key": r"(?i:\bkey\b)|\b[A-G](?:#|b|♯|♭| ?sharp| ?flat)?[ -]?(?:m|min|maj|minor|major|moll|dur)\b",
    "sample rate": r"(?i)\bsample ?rate\b|\d\s*k(?:hz)?\b|\b\d{5,6}\s*hz\b",
    "bit depth": r"(?i)\bbit ?depth\b|\b(?:16|24|32)[ -]?bits?\b|\bfloat\b",
    "effects": r"(?i)\b(?:effects?|fx|reverb|delay|auto-?tune|compress\w*|process\w*|plug-?ins?|dry|wet)\b",
}
"""What notes can tell, and the words by which they do."""

_RATE = r"(?i)(?<![\d.,])(\d{2,3}(?:[.,]\d{1,3})?)\s*khz\b|(?<!\d)(\d{5,6})\s*hz\b"
_RATES = {8e3, 11025.0, 16e3, 22050.0, 24e3, 32e3, 44100.0, 48e3, 88200.0, 96e3, 176400.0, 192e3}
_BITS = r"(?i)(?<!\d)(16|24|32)[ -]?bits?\b"
_BPM = r"(?i)(?<![\d.,])(\d{2,3}(?:[.,]\d{1,3})?)\s*bpm\b|\bbpm\s*[:=]?\s*(\d{2,3}(?:[.,]\d{1,3})?)(?![\d.,])"
_STEMS = (
    r"(?im)(?:^|[.,:;(]|\ball|\btotal(?: of)?)[ \t]*(\d{1,3}) stems\b"
    r"|\bstems[ \t]*[:=][ \t]*(\d{1,3})[ \t]*(?:$|[.,;)])"
)


def tells(notes: str, topic: str) -> bool:
    """Whether notes speak of BPM, key, sample rate, bit depth or effects; of an unknown topic they do not."""
    return topic in _TOPICS and re.search(_TOPICS[topic], notes) is not None


def rates(notes: str) -> set[float]:
    """Sample rates (Hz) that stand there in kHz or Hz; `a shelf at 12 kHz` is none."""
    plain = re.sub(r"(?<=\d),(?=\d{3}\s*(?i:hz))", "", notes)  # 48,000 Hz
    found = {round(1000 * rate) if rate < 1000 else rate for rate in _numbers(_RATE, plain)}
    return found & _RATES


def bits(notes: str) -> set[float]:
    """Bit depths that stand there."""
    return _numbers(_BITS, notes)


def tempos(notes: str) -> set[float]:
    """Tempos (BPM) that stand there."""
    return _numbers(_BPM, notes)


def counts(notes: str) -> set[float]:
    """Numbers of stems where all stems are meant: "Stems: 12", "All 12 stems"; "2 vocal stems" is none."""
    return _numbers(_STEMS, notes)


def _numbers(form: str, notes: str) -> set[float]:
    return {float((match[1] or match[match.re.groups]).replace(",", ".")) for match in re.finditer(form, notes)}
