"""All checks, in order."""

from typing import Protocol, cast

from edgecnn.audit.evidence import Evidence
from edgecnn.audit.found import Found
from edgecnn.registry import CHECKS


class Check(Protocol):
    """What the module of a check has."""

    PLACE: int

    def look(self, evidence: Evidence) -> Found:
        """Look for one thing."""


def look(evidence: Evidence) -> list[Found]:
    """Return what every check says, in order."""
    checks = [cast(Check, CHECKS.module(name)) for name in CHECKS.names()]
    return [check.look(evidence) for check in sorted(checks, key=lambda check: check.PLACE)]
