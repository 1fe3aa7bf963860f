"""MP3 copies of stems and mix to listen to on the way: 320 kbit/s, made by ffmpeg or lame; nothing is gained or cut."""

from __future__ import annotations

from pathlib import Path

from stemwright.audio.coders import coded, ffmpeg
from stemwright.errors import MissingExtra
from stemwright.model import AudioFile

_KBIT = 320


def reference(file: AudioFile, target: Path) -> None:
    """Write an MP3 of an audio file; one of more than two channels is mixed down to stereo.

    Raises MissingExtra when neither encoder is installed, DamagedAudio when they refuse the file.
    """
    source, target = file.path.resolve(), target.resolve()
    folded = ("-ac", "2") if file.format.channels > 2 else ()
    exact = ("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact", "-f", "mp3")
    hint = "mend it, or pack without --mp3"
    lame = ("lame", "--silent", "--noreplaygain", "-b", str(_KBIT), source, target)
    if not (
        ffmpeg(source, target, *folded, "-c:a", "libmp3lame", "-b:a", f"{_KBIT}k", *exact, hint=hint)
        or coded(lame, source, target, hint)
    ):
        hint = "install one (apt install ffmpeg, brew install ffmpeg), or pack without --mp3"
        raise MissingExtra("MP3 references need ffmpeg or lame, and neither is installed", hint)
