"""The command line as ``python -m gansynth``, where the script ``gansynth`` is on no path."""

from gansynth.cli import app

app(prog_name="gansynth")
