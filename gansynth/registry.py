"""Finding architectures: entry points by their metadata, and loading one by its name.

Built-in architectures come in by the same door as a stranger's. Listing reads metadata and
imports nothing; loading imports the one that was asked for. A broken plugin is an error for
whoever asks for it, and for nobody else.
"""

from __future__ import annotations

import difflib
import warnings
from collections import defaultdict
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions
from typing import Any

from sklearn.utils import InputTags, get_tags

from gansynth.architecture import API_VERSION, Architecture, DataSpec

GROUP = "gansynth.architectures"
"""The entry-point group that a plugin registers its architecture under."""

_BUILT_IN = "gansynth"


class ArchitectureError(ImportError):
    """An installed architecture that can't be used."""


@dataclass(frozen=True)
class ArchitectureInfo:
    """What an entry point says of an architecture, known without importing it.

    Attributes
    ----------
    name : str
        What ``GANSampler(architecture=…)`` calls it.
    distribution : str
        The installed distribution that it comes from.
    version : str
        Version of that distribution.
    value : str
        Where the class is, as ``"package:Class"``.
    """

    name: str
    distribution: str
    version: str
    value: str

    def __str__(self) -> str:
        return f"{self.name!r} ({self.value}, from {self.distribution} {self.version})"


def available() -> list[ArchitectureInfo]:
    """List installed architectures by name, working or not; none is imported.

    Returns
    -------
    list of ArchitectureInfo
        Sorted by name. Two distributions may claim one name: both are listed, and the name
        is refused when it is asked for.
    """
    return [info for entries in _installed().values() for info, _ in entries]


def load(name: str) -> type[Architecture]:
    """Import one architecture.

    Parameters
    ----------
    name : str
        As :func:`available` lists it.

    Returns
    -------
    type
        A subclass of :class:`~gansynth.architecture.Architecture`.

    Raises
    ------
    ValueError
        If nothing of that name is installed.
    ArchitectureError
        If it fails to import, is no architecture, was written for another version of the
        contract, or is claimed by two distributions.
    """
    installed = _installed()
    if name not in installed:
        raise ValueError(_unknown(name, list(installed)))
    return _load(installed[name])


def choose(spec: DataSpec) -> tuple[str, Architecture]:
    """Pick the architecture that fits the data best; what ``architecture="auto"`` means.

    Every installed architecture is imported and asked how well it fits. Of equals, one that
    comes with gansynth goes first (so that installing a package changes no result, unless
    it says that it fits better), then the first by name.

    Parameters
    ----------
    spec : DataSpec
        The data.

    Returns
    -------
    name : str
        Name of the architecture.
    architecture : Architecture
        With its default parameters.

    Raises
    ------
    ValueError
        If no architecture accepts the data.

    Warns
    -----
    RuntimeWarning
        For each architecture that can't be used.
    """
    offers = []
    for name, entries in _installed().items():
        try:
            architecture = _load(entries)()
            fit = int(architecture.accepts(spec))
        except Exception as error:
            warnings.warn(
                f"architecture={name!r} is left out of the choice: {_told(error)}",
                RuntimeWarning,
                stacklevel=2,
            )
            continue
        if fit > 0:
            stranger = entries[0][0].distribution != _BUILT_IN
            offers.append((-fit, stranger, name, architecture))
    if not offers:
        raise ValueError(
            f"No installed architecture accepts these data ({_describe(spec)}). Installed: "
            f"{_names(list(_installed()))}. Name one with architecture=… to learn what it wants, "
            "or install a package that brings a fitting one."
        )
    _, _, name, architecture = min(offers, key=lambda offer: offer[:3])
    return name, architecture


def resolve(
    architecture: str | Architecture | type[Architecture], spec: DataSpec
) -> tuple[str, Architecture]:
    """Turn what a user gave as ``architecture`` into an instance and its name.

    Parameters
    ----------
    architecture : str, Architecture or type
        A name, ``"auto"``, an instance, or a class (made with its default parameters).
    spec : DataSpec
        The data, for ``"auto"``.

    Returns
    -------
    name : str
        Its installed name; the name of its class, if that is not installed.
    architecture : Architecture
        The instance that was given, or a new one.

    Raises
    ------
    ValueError
        If the name is unknown, or no architecture accepts the data.
    TypeError
        If it is none of these things.
    ArchitectureError
        If the architecture can't be used (see :func:`load`).
    """
    if isinstance(architecture, str):
        if architecture == "auto":
            return choose(spec)
        return architecture, load(architecture)()
    given: Any = architecture
    if isinstance(given, type) and issubclass(given, Architecture):
        given = given()
    if not isinstance(given, Architecture):
        raise TypeError(
            f"architecture={architecture!r} is no architecture. Give the name of an installed "
            f'one ({_names(list(_installed()))}), "auto", or an Architecture.'
        )
    kind = type(given)
    _check_version(kind, f"architecture={kind.__name__}")
    return _name_of(kind), given


def input_tags(architecture: Any) -> InputTags:
    """What data an architecture says that it takes; of ``"auto"``, and of one unknown, any.

    Parameters
    ----------
    architecture : str, Architecture or type
        As for :func:`resolve`.
    """
    try:
        kind = load(architecture) if isinstance(architecture, str) else architecture
        return get_tags(kind() if isinstance(kind, type) else kind).input_tags
    except (ArchitectureError, TypeError, ValueError):
        # "auto", or what a fit will complain of.
        return InputTags(allow_nan=True, string=True, categorical=True, three_d_array=True)


def _installed() -> dict[str, list[tuple[ArchitectureInfo, EntryPoint]]]:
    """Entry points by name, in order; more than one of a name where distributions clash."""
    found = defaultdict(list)
    seen = set()
    for distribution in distributions():
        entries = _entries(distribution)
        # Of one distribution twice on sys.path, the first is the one that is imported.
        if entries and distribution.name not in seen:
            seen.add(distribution.name)
            for entry in entries:
                info = ArchitectureInfo(
                    entry.name, distribution.name, distribution.version, entry.value
                )
                found[entry.name].append((info, entry))
    return {name: found[name] for name in sorted(found)}


def _entries(distribution: Distribution) -> list[EntryPoint]:
    """Architectures of one distribution; none, with a warning, if its metadata are damaged."""
    try:
        return [entry for entry in distribution.entry_points if entry.group == GROUP]
    except Exception as error:
        warnings.warn(
            f"The entry points of {distribution.name} {distribution.version} can't be read: "
            f"{_told(error)}. If it brings an architecture, repair or uninstall it.",
            RuntimeWarning,
            stacklevel=2,
        )
        return []


def _load(entries: list[tuple[ArchitectureInfo, EntryPoint]]) -> type[Architecture]:
    """Import the one entry point of a name, and check that it is an architecture."""
    info, entry = entries[0]
    if len(entries) > 1:
        claims = " and ".join(f"{info.distribution} {info.version}" for info, _ in entries)
        raise ArchitectureError(
            f"architecture={info.name!r} is claimed by {claims}. Uninstall all but one of them, "
            "or pass the class itself instead of its name."
        )
    try:
        loaded = entry.load()
    except Exception as error:
        raise ArchitectureError(
            f"architecture {info} fails to import: {_told(error)}. Repair, upgrade or uninstall "
            f"{info.distribution}."
        ) from error
    if not (isinstance(loaded, type) and issubclass(loaded, Architecture)):
        raise ArchitectureError(
            f"architecture {info} is {loaded!r}, which is no subclass of "
            "gansynth.architecture.Architecture. Its author has to register the class."
        )
    _check_version(loaded, f"architecture {info}")
    return loaded


def _check_version(architecture: type[Architecture], who: str) -> None:
    """Refuse a class that was written for another version of the contract, or doesn't say."""
    stated = getattr(architecture, "api_version", None)
    if stated is None:
        raise ArchitectureError(
            f"{who} states no api_version, and this gansynth speaks version {API_VERSION}. Its "
            f"author has to write `api_version = {API_VERSION}` in the class."
        )
    if stated != API_VERSION:
        raise ArchitectureError(
            f"{who} was written for api_version {stated!r}, and this gansynth speaks version "
            f"{API_VERSION}. Install versions of both that agree."
        )


def _name_of(kind: type[Architecture]) -> str:
    """Name that a class is installed under, or else its own."""
    value = f"{kind.__module__}:{kind.__qualname__}"
    return next((info.name for info in available() if info.value == value), kind.__name__)


def _unknown(name: str, names: list[str]) -> str:
    """Say that a name is unknown, and what was probably meant."""
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return (
        f"architecture={name!r} is not installed.{hint} Installed: {_names(names)}. Others come "
        "with `pip install` of the package that brings them."
    )


def _told(error: Exception) -> str:
    """What an error says; its kind too, unless the sentence is our own."""
    kind = "" if isinstance(error, ArchitectureError) else f"{type(error).__name__}: "
    return f"{kind}{error}"


def _names(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"


def _describe(spec: DataSpec) -> str:
    """Tell the data in a few words, for an error."""
    schema = spec.schema
    if schema.is_image:
        return f"{spec.n_samples} images of shape {schema.image_shape}"
    kinds = sorted({column.kind for column in schema.columns})
    return f"{spec.n_samples} rows of {len(schema.columns)} columns: {', '.join(kinds)}"
