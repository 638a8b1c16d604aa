"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

import gansynth.registry


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the number of mutated files that tests/test_hostile.py tries."""
    parser.addoption("--mutants", type=int, default=200, help="mutated model files to try")


def pytest_report_header() -> str:
    """Say which gansynth is tested: the installed one, or a folder."""
    return f"gansynth: {Path(gansynth.registry.__file__).parent}"
