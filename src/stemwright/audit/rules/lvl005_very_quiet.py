from stemwright.audit import Finds, Found, measured, number, rule
from stemwright.model import StemSet

SILENT = -90.0
"""dBFS. What does not even reach this is CHN001's business."""


@rule("LVL005", severity="warning", peak_dbfs=-40.0, loudness_lufs=-50.0, roles=("fx", "drums.room"))
def very_quiet(stems: StemSet, *, peak_dbfs: float, loudness_lufs: float, roles: tuple[str, ...]) -> Finds:
    """A stem is so quiet that its fader may have been down.

    What
        It peaks below `peak_dbfs` and is softer than `loudness_lufs`.
    Why the mix engineer cares
        Usually a fader or a send was left down, and the part is as good as missing; raised again, it brings up noise.
    How it is measured
        Sample peak and integrated loudness (BS.1770-4) together. Effects and room microphones (`roles`) may be
        quiet. The limits are a proposal.
    Fix
        Check the track's fader, mute and automation and bounce again. If it is meant to be so quiet, say so in the
        notes.
    Source
        Mixers' checklists: bounces with faders left down.
    """
    for stem, levels in measured(stems.stems):
        peak, loudness = round(levels.sample_peak_dbfs, 2), levels.loudness.integrated_lufs
        if SILENT <= peak < peak_dbfs and loudness < loudness_lufs and stem.role not in roles:
            message = f"peaks at {number(peak)} dBFS only; was its fader down?"
            yield Found(message, stem.file.path, peak, peak_dbfs, "dBFS")
