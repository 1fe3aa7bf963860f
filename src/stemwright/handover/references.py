"""MP3 copies of stems and mix to listen to on the way: 320 kbit/s, made by ffmpeg or lame; nothing is gained or cut."""

from __future__ import annotations

import subprocess
from pathlib import Path

from stemwright.errors import DamagedAudio, MissingExtra
from stemwright.model import AudioFile
from stemwright.safety import child

_TIMEOUT_S = 1800
_KBIT = 320


def reference(file: AudioFile, target: Path) -> None:
    """Write an MP3 of an audio file; one of more than two channels is mixed down to stereo.

    Raises MissingExtra when neither encoder is installed, DamagedAudio when they refuse the file.
    """
    source = file.path.resolve()
    folded = ["-ac", "2"] if file.format.channels > 2 else []
    tries: tuple[list[str | Path], ...] = (
        ["ffmpeg", "-nostdin", "-v", "error", "-y", "-protocol_whitelist", "file", "-i", f"file:{source}", "-vn",
         "-map", "0:a:0", *folded, "-c:a", "libmp3lame", "-b:a", f"{_KBIT}k", "-map_metadata", "-1",
         "-fflags", "+bitexact", "-flags:a", "+bitexact", "-f", "mp3", f"file:{target.resolve()}"],
        ["lame", "--silent", "--noreplaygain", "-b", str(_KBIT), source, target.resolve()],
    )  # fmt: skip
    for argv in tries:
        try:
            done = child(argv, timeout_s=_TIMEOUT_S)
        except FileNotFoundError:
            continue
        except subprocess.TimeoutExpired as error:
            raise DamagedAudio(
                f"{file.path}: {argv[0]} did not finish it in {_TIMEOUT_S} s", "pack without --mp3"
            ) from error
        if done.returncode or not target.is_file():
            said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no audio"]
            raise DamagedAudio(f"{file.path}: no MP3 by {argv[0]}: {said[0][:200]}", "pack without --mp3, or mend it")
        return
    hint = "install one (apt install ffmpeg, brew install ffmpeg), or pack without --mp3"
    raise MissingExtra("MP3 references need ffmpeg or lame, and neither is installed", hint)
