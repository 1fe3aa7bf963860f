from stemwright.audit import Finds, Found, rule
from stemwright.model import StemSet


@rule("MET001", severity="warning", repair="lossless")
def no_bext(stems: StemSet) -> Finds:
    """A WAV file is no Broadcast WAV.

    What
        The file has no usable `bext` chunk.
    Why the mix engineer cares
        Without its TimeReference the file cannot be spotted to where it belongs; it can only be dragged to the
        start.
    How it is measured
        The chunks of WAV, RF64 and BW64 files are read; other containers are FMT002's business.
    Fix
        Choose WAV (BWF) or Broadcast WAV in the bounce dialogue; adding the chunk later keeps every sample.
    Source
        Pro Tools export guide: WAV (BWF); EBU Tech 3285.
    """
    for stem in stems.stems:
        wav = stem.file.format.riff and not stem.file.format.lossy
        if wav and stem.file.start_frame is None:
            yield Found("has no bext chunk: it is WAV but not Broadcast WAV", stem.file.path, "no bext", "bext")
