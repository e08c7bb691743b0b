"""How a contender is called: back to back, at a rate of frames, by several callers, or with picture files."""

from dataclasses import dataclass

from edgecnn.errors import EdgecnnError


@dataclass(frozen=True)
class Load:
    """Calls back to back unless it says otherwise; at most one of these.

    ``fps`` is one call every 1/fps s, with idle between; ``callers`` is how many call at the same time; ``pictures``
    are files that are read, decoded and resized within the call.
    """

    fps: float | None = None
    callers: int = 1
    pictures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if (self.fps is not None and not 0 < self.fps <= 1000) or self.callers < 1:
            raise EdgecnnError(
                f"{self.fps} frames a second, {self.callers} callers: expected a rate of at most 1000, and a positive "
                "number of callers, such as --fps 30 or --callers 4."
            )
        if (self.fps is not None) + (self.callers > 1) + bool(self.pictures) > 1:
            raise EdgecnnError("--fps, --callers and --end-to-end are measured one at a time. Leave out all but one.")

    @property
    def is_plain(self) -> bool:
        """Calls back to back, on images that lie in memory."""
        return self == Load()


PLAIN = Load()
