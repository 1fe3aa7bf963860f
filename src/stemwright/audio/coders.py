"""Programs that turn audio into other audio, guarded: ffmpeg, and what else writes a file from a file."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from stemwright.errors import DamagedAudio
from stemwright.safety import child

_FORMATS = "aac,aiff,ape,asf,au,caf,flac,matroska,mov,mp3,nistsphere,ogg,wav,w64,wv"
"""Demuxers ffmpeg may use. Without this list a file that calls itself .wav can make it open other files."""
_TIMEOUT_S = 1800


def ffmpeg(source: Path, target: Path, *how: str, before: Sequence[str] = (), hint: str) -> bool:
    """Write the first stream of a file anew by `how`; options in `before` are about the source. As `coded`."""
    guard = ("-protocol_whitelist", "file", "-format_whitelist", _FORMATS)
    streams = ("-vn", "-sn", "-dn", "-map", "0:a:0")
    argv = ("ffmpeg", "-nostdin", "-v", "error", "-y", *before, *guard, "-i", f"file:{source}", *streams, *how)
    return coded((*argv, f"file:{target}"), source, target, hint)


def coded(argv: Sequence[str | Path], source: Path, target: Path, hint: str) -> bool:
    """Run a program that writes `target`, both paths absolute; False when it is not installed. Raises DamagedAudio."""
    try:
        done = child(argv, timeout_s=_TIMEOUT_S)
    except FileNotFoundError:
        return False
    except subprocess.TimeoutExpired as error:
        raise DamagedAudio(f"{source}: {argv[0]} did not finish it in {_TIMEOUT_S} s", hint) from error
    if done.returncode or not target.is_file():
        said = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no audio stream"]
        raise DamagedAudio(f"{source}: {argv[0]} cannot convert it: {said[0][:200]}", hint)
    return True
