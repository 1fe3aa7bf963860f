from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet

_WAV = ("wav", "rf64", "bw64")
_PROMISES = {
    ".wav": _WAV,
    ".wave": _WAV,
    ".bwf": _WAV,
    ".rf64": _WAV,
    ".w64": ("w64",),
    ".aif": ("aiff",),
    ".aiff": ("aiff",),
    ".aifc": ("aiff",),
    ".caf": ("caf",),
    ".flac": ("flac", "ogg"),
    ".mp3": ("mp3",),
    ".ogg": ("ogg", "opus"),
    ".oga": ("ogg", "opus", "flac"),
    ".opus": ("opus", "ogg"),
    ".m4a": ("m4a",),
    ".mp4": ("m4a",),
    ".aac": ("m4a", "aac"),
}
"""Suffix -> containers it may stand for; other suffixes promise nothing."""


@rule("INT002", severity="error")
def not_what_it_says(stems: StemSet) -> Finds:
    """A file is no audio, or another kind of audio than its name says.

    What
        Text, a web page or a picture with an audio suffix, or, say, an MP3 that was renamed to .wav.
    Why the mix engineer cares
        DAWs refuse such a file on import, or import it as something else than what was promised.
    How it is measured
        The first bytes and the structure of the file against its suffix. Names are never trusted.
    Fix
        Export the track again as WAV. Renaming the suffix never changes what is inside.
    Source
        Pro Tools export guide: WAV (BWF). Container signatures: RIFF/WAVE, EBU Tech 3306 (RF64), ITU-R BS.2088
        (BW64).
    """
    for bad in stems.unreadable:
        if bad.kind == "not-audio":
            yield Found(f"is not audio: {bad.reason}", bad.path, "not audio", bad.path.suffix.lower())
    for stem in stems.everything:
        suffix, container = stem.file.path.suffix.lower(), stem.file.format.container
        if container not in _PROMISES.get(suffix, (container,)):
            yield Found(f"is called {suffix} but holds {container} audio", stem.file.path, container, suffix)
