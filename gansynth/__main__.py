"""The command line as ``python -m gansynth``, where the script ``gansynth`` is on no path."""

try:
    from gansynth.cli import app
except ModuleNotFoundError as error:
    raise SystemExit(
        f"The command line needs {error.name}, which is not installed. It comes with "
        "`pip install gansynth`; gansynth-serve has `gansynth.load` alone."
    ) from None

app(prog_name="gansynth")
