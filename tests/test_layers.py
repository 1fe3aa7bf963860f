"""A module imports only what stands to its left, and heavy libraries only where they are at home."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "src" / "stemwright"
LAYERS = (
    *("errors", "units", "model", "resources config registry safety serial toml", "naming archive", "audio", "measure"),
    *("separate audit session handover demo repair", "live", "workflows", "jobs", "cli server", "__main__"),
)
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms.split()}
TORCH = ("torch", "demucs", "onnx", "pymss_core", "safetensors")
LAZY = ("soundfile", "pedalboard", "soxr", "mutagen", "lxml", *TORCH)
HOMES = {  # library -> the places, as starts of paths, that may import it
    **dict.fromkeys(TORCH, ("separate/",)),
    **dict.fromkeys(("click", "rich"), ("cli/",)),
    "numba": ("measure/_numba",),
    "lxml": ("session/formats/", "audio/chunks", "safety"),
    "numpy": tuple(f"{room}" for room in RANK if RANK[room] >= RANK["audio"]),
}
NEIGHBOURS = {("naming", "resources"), ("config", "resources")}


def imports(tree: ast.AST, inside: bool = False) -> list[tuple[str, bool]]:
    """(dotted name, inside a function or TYPE_CHECKING) of every import."""
    found: list[tuple[str, bool]] = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, inside) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(f"{node.module}.{alias.name}", inside) for alias in node.names]
        lazy = isinstance(node, ast.FunctionDef) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        )
        found += imports(node, inside or lazy)
    return found


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_left(path: Path) -> None:
    where = path.relative_to(ROOT).as_posix()
    room = where.split("/")[0].removesuffix(".py")
    for name, lazy in imports(ast.parse(path.read_text(encoding="utf-8"))):
        package, _, rest = name.partition(".")
        other = rest.split(".")[0]
        if package == "stemwright" and room != other and room in RANK and other in RANK:
            assert RANK[other] < RANK[room] or (room, other) in NEIGHBOURS, f"{where} imports {name}"
        assert where.startswith(HOMES.get(package, ("",))), f"{package} is not at home in {where}"
        assert lazy or package not in LAZY, f"{where} imports {package} at its top"
    assert room in RANK or room == "__init__", f"{where} has no place in the layers"
