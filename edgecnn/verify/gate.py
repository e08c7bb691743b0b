"""Whether a drop stays within what is allowed: what its 95 % interval shows, and how many images would show it."""

from collections.abc import Callable
from typing import Literal

from edgecnn.documents import later

Verdict = Literal["within", "beyond", "undecided"]

MOST_NEEDED = 1_000_000


def judge(ci95_pp: tuple[float, float], max_drop_pp: float) -> Verdict:
    """Say what an interval shows: the whole of it has to be on one side of what is allowed.

    So a candidate that is worse than allowed is called within it in at most 5 % of comparisons.
    """
    low, high = ci95_pp
    if high <= max_drop_pp:
        return "within"
    return "beyond" if low > max_drop_pp else "undecided"


JUDGED = later(lambda found: judge(found["drop_pp_ci95"], found["max_drop_pp"]))  # the verdict, where none is written
UNKNOWN = later(lambda found: None)


def needed(ci95_pp_of: Callable[[int], tuple[float, float]], seen: int, max_drop_pp: float) -> int | None:
    """Return about how many images would decide, were all further ones as the ``seen`` ones.

    ``ci95_pp_of`` is the interval on that many. None where a million would not do: the drop is too near to what is
    allowed.
    """

    def decides(count: int) -> bool:
        return judge(ci95_pp_of(count), max_drop_pp) != "undecided"

    low, high = seen, max(seen, MOST_NEEDED)
    if not decides(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high


def sentence(verdict: Verdict, images_needed: int | None, max_drop_pp: float) -> str:
    """Say the verdict.

    >>> sentence("within", None, 2.0), sentence("undecided", 765, 0.5)
    ('within the allowed 2 points', 'undecided at the allowed 0.5 points, needs about 770 images')
    """
    if verdict != "undecided":
        return f"{verdict} the allowed {max_drop_pp:g} points"
    count = f"over {MOST_NEEDED:,}" if images_needed is None else f"about {rounded(images_needed):,}"
    return f"undecided at the allowed {max_drop_pp:g} points, needs {count} images"


def rounded(count: int) -> int:
    """Round up to two digits: more would promise what no forecast holds.

    >>> rounded(765), rounded(7), rounded(12_345)
    (770, 7, 13000)
    """
    step: int = 10 ** max(len(str(count)) - 2, 0)
    return -(-count // step) * step
