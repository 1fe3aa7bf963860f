"""What only an NVIDIA GPU has: a batch size that is measured once, and networks recorded and replayed.

Neither changes what is computed: a recording is compared with the network itself before it is used, and wherever
anything goes wrong the network runs as it is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stemwright import serial
from stemwright.errors import StemwrightError
from stemwright.safety import write_text

if TYPE_CHECKING:
    from torch import Tensor

    from stemwright.separate import Forward, Network

SIZES = (1, 2, 4, 8, 16, 32)
_ROOM = 0.8
"""Share of the free memory that a batch may take."""
_CLOSE = 1.03
"""A smaller batch that is nearly as quick is taken: it needs less memory and fills up sooner."""


def quickest(seconds: Callable[[int], float], most: int) -> int:
    """The batch size up to `most` with the least `seconds(size)` for each segment; larger ones may fail for memory."""
    import torch

    found: dict[int, float] = {}
    for size in (size for size in SIZES if size <= most):
        try:
            found[size] = seconds(size) / size
        except torch.OutOfMemoryError:
            break
    best = min(found.values(), default=0.0)
    return next((size for size, each in found.items() if each <= _CLOSE * best), 1)


def batch_size(network: Network) -> int:
    """The quickest batch for a network on this GPU; measured once for each GPU, model, precision and torch."""
    import torch

    free, _ = torch.cuda.mem_get_info()
    most = max(1, int(_ROOM * free // (network.card.memory_gb * 1e9)))
    setup, name = network.setup, torch.cuda.get_device_name()
    return remembered(
        f"{name}, {network.card.name}, {setup.precision}, torch {torch.__version__}",
        lambda: quickest(lambda size: _seconds(network, size), most),
        most,
    )


def remembered(key: str, measure: Callable[[], int], most: int) -> int:
    """What `measure` found once, from the user's cache; measured anew when it is not there or beyond `most`."""
    import platformdirs

    path = Path(platformdirs.user_cache_path("stemwright")) / "batch.json"
    try:
        known: dict[str, int] = serial.build(dict[str, int], json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        known = {}
    if 1 <= known.get(key, 0) <= most:
        return known[key]
    size = measure()
    with suppress(OSError, StemwrightError):  # what cannot be remembered is measured again the next time
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, json.dumps({**known, key: size}, indent=1))
    return size


def _seconds(network: Network, size: int) -> float:
    """The least of three, after one to warm up."""
    import torch

    heard = torch.randn(size, 2, network.card.segment, device=network.setup.device) * 0.1
    wanted = tuple(range(len(network.card.stems)))
    took = []
    for _ in range(4):
        torch.cuda.synchronize()
        began = time.perf_counter()
        network.forward(heard, wanted)
        torch.cuda.synchronize()
        took.append(time.perf_counter() - began)
    return min(took[1:])


def replayed(forward: Forward) -> Forward:
    """`forward` as CUDA graphs: recorded for each shape when it first comes, then replayed without launching anew."""
    recorded: dict[tuple[tuple[int, ...], tuple[int, ...]], Callable[[Tensor], Tensor]] = {}

    def run(heard: Tensor, wanted: tuple[int, ...]) -> Tensor:
        key = (tuple(heard.shape), wanted)
        if key not in recorded:
            recorded[key] = _record(forward, heard, wanted)
        return recorded[key](heard)

    return run


def _record(forward: Forward, heard: Tensor, wanted: tuple[int, ...]) -> Callable[[Tensor], Tensor]:
    import torch

    def as_it_is(heard: Tensor) -> Tensor:
        return forward(heard, wanted)

    try:
        held = heard.clone()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):  # lets the network make its tables and plans outside the recording
            for _ in range(3):
                expected = as_it_is(held)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            made = as_it_is(held)
        graph.replay()
        if not torch.allclose(made, expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max())):
            return as_it_is
    except RuntimeError:  # a network that cannot be recorded: it waits for the GPU, or makes tensors on the host
        return as_it_is

    def replay(heard: Tensor) -> Tensor:
        held.copy_(heard)
        graph.replay()
        return made.clone()

    return replay
