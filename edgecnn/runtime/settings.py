"""How a session is set up where nobody says otherwise: as the file's card says for this machine, else the defaults."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from edgecnn.card import CARD_KEY, ModelCard, Tuning
from edgecnn.errors import TuningWarning
from edgecnn.machine import threads

NO_SPINNING = ("session.intra_op.allow_spinning", "0")
TUNED_KEY = '"tuned"'  # in the card's text: most have none, and are not read for it


@dataclass(frozen=True)
class Settings:
    """The threads of a call, and whether they spin between two: they answer sooner, and take a core each meanwhile."""

    threads: int
    spinning: bool = True

    @property
    def entries(self) -> list[tuple[str, str]]:
        """The entries of ONNX Runtime's session options that say so."""
        return [] if self.spinning else [NO_SPINNING]


def settings_of(
    metadata: Mapping[str, str], name: str, provider: str, wanted: int | None, *, family: str, available: int
) -> Settings:
    """Return how a file is run on a processor of that family with so many threads available: ``wanted`` threads, or as
    its card says, or with all that are available.

    A file that was tuned for other machines alone says so with a TuningWarning. Raises CardError for a broken card,
    ProviderError for a number of threads that is none.
    """
    if wanted is not None or TUNED_KEY not in metadata.get(CARD_KEY, ""):
        return Settings(available if wanted is None else threads.wanted(wanted))
    tuned = ModelCard.from_metadata(metadata, source=name).tuned or []
    for found in tuned:
        if found.family == family and found.provider == provider and found.threads <= available:
            return Settings(found.threads, found.spinning)
    if tuned:
        warnings.warn(_elsewhere(tuned, name, provider, family, available), TuningWarning, stacklevel=2)
    return Settings(available)


def _elsewhere(tuned: list[Tuning], name: str, provider: str, family: str, available: int) -> str:
    places = ", ".join(f"{found.family} ({found.provider}, {found.threads} threads)" for found in tuned)
    return (
        f"{name}: its settings were tuned for {places}. Here, on {family} ({provider}, {available} threads), it runs "
        "with the default ones. Tune it here with: edgecnn tune MODEL"
    )
