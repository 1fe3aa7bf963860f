from stemwright.audit import Finds, Found, measured, rule
from stemwright.model import StemSet


@rule("INT020", severity="error")
def checksum(stems: StemSet) -> Finds:
    """The audio is not the audio that its checksum was made of.

    What
        The MD5 that the file carries differs from that of its samples.
    Why the mix engineer cares
        Something changed after the export: a broken copy, a bad disk, or an edit that nobody knows of.
    How it is measured
        MD5 of the samples against a WAV's 'MD5 ' chunk or a FLAC's STREAMINFO. Files without one pass.
    Fix
        Copy the file again from the original and compare; if the edit was meant, write a new checksum.
    Source
        BWF MetaEdit (FADGI): audio-data MD5 in a chunk of its own; RFC 9639 (FLAC), section 8.2.
    """
    for stem, levels in measured(stems.everything):
        if levels.checksum:
            yield Found(levels.checksum, stem.file.path)
