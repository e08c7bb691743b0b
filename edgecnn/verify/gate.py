"""Whether a candidate is no worse than its reference by more than a margin, the drop that is allowed (non-inferiority):
what the 95 % interval of the drop shows, how often that is wrong, and how many images would show it."""

from collections.abc import Callable
from typing import Literal

from edgecnn.documents import later
from edgecnn.verify.statistics import UNLUCKY

Verdict = Literal["within", "beyond", "undecided"]

ERROR_RATE = 0.025  # one end of a 95 % interval is beyond the truth so often
POWER = 0.8  # how often as many images as are needed decide
MOST_NEEDED = 1_000_000


def judge(ci95_pp: tuple[float, float], max_drop_pp: float) -> Verdict:
    """Say what an interval shows: the whole of it has to be on one side of what is allowed.

    As only one end decides, this is a one-sided test at ``ERROR_RATE``: a candidate that is worse than allowed is
    called within it in at most 2.5 % of comparisons, and one that is not is called beyond it as seldom.
    """
    low, high = ci95_pp
    if high <= max_drop_pp:
        return "within"
    return "beyond" if low > max_drop_pp else "undecided"


JUDGED = later(lambda found: judge(found["drop_pp_ci95"], found["max_drop_pp"]))  # the verdict, where none is written
UNKNOWN = later(lambda found: None)
RATE = later(lambda found: ERROR_RATE)


def needed(
    expected_ci95_pp: Callable[[int, float], tuple[float, float]], seen: int, drop_pp: float, max_drop_pp: float
) -> int | None:
    """Return about how many images would decide in ``POWER`` of cases, were the truth what the ``seen`` ones have.

    ``expected_ci95_pp`` is the interval on that many whose drop is so many standard deviations above the expected one.
    The one is looked for that even an unlucky result decides on, as in Nam's sample sizes for matched pairs (Biometrics
    53, 1997), which are those of a score test. None where a million would not do: the drop is too near to what is
    allowed.
    """
    luck = UNLUCKY if drop_pp <= max_drop_pp else -UNLUCKY

    def decides(count: int) -> bool:
        return judge(expected_ci95_pp(count, luck), max_drop_pp) != "undecided"

    low, high = seen, max(seen, MOST_NEEDED)
    if not decides(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high


def sentence(verdict: Verdict, images_needed: int | None, max_drop_pp: float) -> str:
    """Say the verdict, with its error rate or with what is needed for one.

    >>> print(sentence("within", None, 2.0))
    within the allowed 2 points (error rate at most 2.5 %)
    >>> print(sentence("undecided", 1534, 0.5))
    undecided at the allowed 0.5 points, needs about 1,600 images
    """
    if verdict != "undecided":
        return f"{verdict} the allowed {max_drop_pp:g} points (error rate at most {ERROR_RATE * 100:g} %)"
    return f"undecided at the allowed {max_drop_pp:g} points, {needs(images_needed)}"


def needs(images_needed: int | None) -> str:
    """Say how many images would decide.

    >>> needs(1534), needs(None)
    ('needs about 1,600 images', 'needs over 1,000,000 images')
    """
    return f"needs {f'over {MOST_NEEDED:,}' if images_needed is None else f'about {rounded(images_needed):,}'} images"


def rounded(count: int) -> int:
    """Round up to two digits: more would promise what no forecast holds.

    >>> rounded(765), rounded(7), rounded(12_345)
    (770, 7, 13000)
    """
    step: int = 10 ** max(len(str(count)) - 2, 0)
    return -(-count // step) * step
