from stemwright.audit import Finds, Found, number, rule
from stemwright.audit.rules import _mixdown
from stemwright.model import StemSet


@rule(
    "MIX001", severity="warning", confidence="measured", daw="master-bus", ok_db=-60.0, error_db=-40.0, lossy_db=-10.0
)
def not_the_mix(stems: StemSet, *, ok_db: float, error_db: float, lossy_db: float) -> Finds:
    """The stems do not add up to the reference mix.

    What
        What is left of the mix when the stems are taken from it is above `ok_db` (a warning) or `error_db` (an
        error, unless only gains are at fault), re the mix. For an MP3, AAC or Ogg mix the limit is `lossy_db`, and it
        is never an error.
    Why the mix engineer cares
        The stems are not the song that was approved: something was changed, muted, or processed after the stems were
        bounced.
    How it is measured
        Least squares over the whole song: one gain for all stereo stems, and for a mono stem one per side (it may be
        panned). Where another MIX, CHN or SET rule names the stems that are wrong, those are put right first; where
        MIX003, MIX008 or MIX009 knows the cause, this rule is silent. Codecs leave −15 to −25 dB in mixes of five
        songs.
    Fix
        Bounce the stems and the mix again from one and the same session, with the same faders and nothing muted.
    Source
        Mixers' checklists ("the stems at unity are the mix"); Netflix stem delivery; limits from this project's
        measurements.
    """
    solved = _mixdown.solved(stems)
    if not solved or not solved[1].parts or _mixdown.damaged(stems):
        return
    mix, made = solved
    told = _mixdown.parts_told(stems, made)
    left, lossy = made.fitted_db if told else made.residual_db, _mixdown.lossy(stems)
    causes = (_mixdown.processed, _mixdown.returns_missing, _mixdown.sound_missing)
    limit = lossy_db if lossy else ok_db
    if left <= limit or _mixdown.drifting(made) or any(cause(made) for cause in causes) or (told and lossy):
        return
    own = (
        f" ({number(made.fitted_db, 1)} dB with a gain of its own for each stem)" if made.fitted_db < left - 10 else ""
    )
    loudest = max(made.bands_db, key=lambda band: band[2], default=None)
    band = f", most of it from {loudest[0]:.0f} to {loudest[1]:.0f} Hz" if loudest and not own else ""
    codec = "; the mix is lossy, but a codec does not leave that much" if lossy else ""
    message = f"is not the sum of the stems: {number(left, 1)} dB are left of it{own}{band}{codec}"
    error = left > error_db and made.fitted_db > _mixdown.CLEAR_DB and not lossy  # gains alone are MIX004's kind
    yield Found(message, mix.file.path, round(left, 1), limit, "dB re the mix", made.spans, error=error)
