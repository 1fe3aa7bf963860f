"""Measuring a tempo needs numpy alone."""

from __future__ import annotations

import subprocess
import sys


def test_neither_scipy_nor_torch_nor_librosa_is_imported() -> None:
    code = (
        "import sys, numpy as np\n"
        "from stemwright.measure.tempo import estimate_tempo\n"
        "audio = np.zeros(22050 * 12, np.float32)\n"
        "audio[::11025] = 1\n"
        "assert estimate_tempo(audio, 22050).estimate.value in (60, 120, 240)\n"
        "print(*{'scipy', 'torch', 'librosa', 'numba', 'soundfile'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
