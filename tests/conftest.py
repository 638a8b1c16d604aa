"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import gansynth.registry


def pytest_report_header() -> str:
    """Say which gansynth is tested: the installed one, or a folder."""
    return f"gansynth: {Path(gansynth.registry.__file__).parent}"
