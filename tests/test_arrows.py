"""Imports go the way that the design says: read from the source, module by module."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import gansynth
import gansynth_distribution2d
import gansynth_image
import gansynth_tabular

CORE = Path(gansynth.__file__).parent
PLUGINS = [
    Path(package.__file__).parent
    for package in (gansynth_tabular, gansynth_distribution2d, gansynth_image)
]

# What each part of the core may import of the others; nothing may import what is left of it.
ARROWS = {
    "_compat": set(),
    "watching": set(),
    "callbacks": {"_compat", "watching"},
    "schema": set(),
    "expressions": set(),
    "constraints": {"expressions"},
    "rewriting": {"constraints", "containers", "expressions", "schema"},
    "atomic": set(),
    "architecture": {"schema"},
    "containers": {"schema"},
    "identifiers": {"schema"},
    "notebook": {"identifiers", "schema"},
    "column_types": {"containers", "identifiers", "schema"},
    "datafiles": {"atomic"},
    "metrics": set(),
    "datasets": set(),
    "memory": {"architecture", "rewriting"},
    "progress": {"watching"},
    "registry": {"architecture", "schema"},
    "inference": {"atomic", "containers", "identifiers", "notebook", "schema"},
    "deployment": {"atomic", "inference", "schema"},
    "training": {
        *{"architecture", "atomic", "schema", "inference", "memory", "watching"},
        *{"expressions", "rewriting"},
    },
    "inputs": {"column_types", "constraints", "containers", "rewriting", "schema"},
    "resampling": {"containers", "schema"},
    "scorers": {"comparison", "containers", "metrics"},
    "comparison": {"containers", "inference", "metrics", "schema"},
    "display": {"comparison", "metrics"},
    "report": {
        *{"atomic", "comparison", "containers", "display", "inference", "metrics", "notebook"},
        *{"constraints", "rewriting"},
    },
    "sampler": {
        *{"architecture", "containers", "inference", "registry", "schema", "training"},
        *{"_compat", "callbacks", "constraints", "deployment", "inputs", "notebook"},
        *{"progress", "report", "resampling", "scorers", "watching"},
    },
    "imputation": {"registry", "sampler"},
    "oversampling": {"_compat", "callbacks", "sampler"},
    "testing": {"architecture", "containers", "sampler", "schema", "training"},
    "inspection": {"inference", "notebook"},
    "streaming": {"atomic", "datafiles", "inference"},
    "demo": {"sampler", "atomic", "datafiles", "display", "metrics"},
    "cli": {
        "atomic",
        "column_types",
        "datafiles",
        "datasets",
        "demo",
        "inference",
        "inspection",
        "registry",
        "report",
        "sampler",
        "streaming",
    },
    "__main__": {"cli"},
    "__init__": {"imputation", "oversampling", "sampler", "inference"},
}
HEAVY = {"tensorflow", "keras", "tf2onnx", "onnx"}
PUBLIC_NAMES = {
    "ExportedSampler": "inference",
    "GANImputer": "imputation",
    "GANSampler": "sampler",
    "OversampledClassifier": "oversampling",
    "load": "inference",
}


def part_of(file: Path) -> str:
    """Name of the part of the core that a file belongs to."""
    return file.relative_to(CORE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> set[str]:
    """Modules and names that a syntax tree imports, dotted."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def at_import(tree: ast.Module) -> set[str]:
    """What is imported when the module is: neither in functions nor for type checkers."""
    body = [
        node
        for node in tree.body
        if not isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
    ]
    return imports(ast.Module(body, []))


def parse(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


FILES = sorted(CORE.rglob("*.py"))


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(CORE)) for file in FILES])
def test_arrows_of_the_core(file):
    """A module of the core imports only what lies before it."""
    part = part_of(file)
    used = {name.split(".")[1] for name in imports(parse(file)) if name.startswith("gansynth.")}
    used = {PUBLIC_NAMES.get(name, name) for name in used} - {part}
    assert used <= ARROWS[part], f"{part} imports {used - ARROWS[part]}"


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(CORE)) for file in FILES])
def test_only_training_imports_tensorflow(file):
    """Outside training, TensorFlow and ONNX's own package are imported in functions at most."""
    used = {name.split(".")[0] for name in at_import(parse(file))}
    if part_of(file) == "deployment":
        used -= {"onnx"}  # which is light: what is deployed is ONNX
    if part_of(file) != "training":
        assert not used & HEAVY
    if part_of(file) == "inference":
        assert not {name.split(".")[0] for name in imports(parse(file))} & HEAVY


@pytest.mark.parametrize("file", FILES, ids=[str(file.relative_to(CORE)) for file in FILES])
def test_private_names_of_others_are_used_in_one_file(file):
    """Underscored modules of scikit-learn and imbalanced-learn are imported in _compat alone."""
    used = {name for name in imports(parse(file)) if name.split(".")[0] in {"sklearn", "imblearn"}}
    private = {name for name in used if any(part.startswith("_") for part in name.split("."))}
    assert not private or part_of(file) == "_compat", private


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_plugins_import_the_contract_only(folder):
    """A plugin imports the contract and the schema of the core, and nothing else of it."""
    for file in folder.glob("*.py"):
        core = {name for name in imports(parse(file)) if name.split(".")[0] == "gansynth"}
        assert {name.split(".")[1] for name in core} <= {"architecture", "schema"}, file


@pytest.mark.parametrize("folder", PLUGINS, ids=lambda folder: folder.name)
def test_plugins_import_tensorflow_when_they_build_networks(folder):
    """Nothing that importing a plugin imports of it imports TensorFlow."""
    reached, new = set(), {"__init__"}
    while new:
        reached |= new
        names = set()
        for module in new:
            names |= at_import(parse(folder / f"{module}.py"))
        assert not {name.split(".")[0] for name in names} & HEAVY, new
        own = {name.split(".")[1] for name in names if name.split(".")[0] == folder.name}
        new = {name for name in own if (folder / f"{name}.py").exists()} - reached
    assert {"__init__"} < reached
