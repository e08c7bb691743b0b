"""What is written: words of no language, digits, and numbers of all kinds."""

import numpy as np

# Letters as often as they are used in print; text is made of them at random.
COMMON = (
    "eeeeeeeeeeeettttttaaaaaaooooooiiiiiinnnnnnsssssrrrrrhhhhddddlllluuuccmmwwffggyyppbbvvkjxqz&;!" + " " * 22 + ",.-'"
)
CAPITALS = "EEEEETTTAAAOOIINNNSSSRRRHHDDLLUUCCMMPPGGFFBBVWYKXQZJ" + " " * 6


def word(rng: np.random.Generator) -> str:
    """Return letters as a word: lower case, with a capital, or all capitals."""
    count = int(rng.integers(2, 9))
    kind = rng.random()
    if kind < 0.35:
        return "".join(CAPITALS[int(k)] for k in rng.integers(0, 50, count))
    word = "".join(COMMON[int(k)] for k in rng.integers(0, 86, count))
    return word.capitalize() if kind < 0.7 else word


def capitals(rng: np.random.Generator) -> str:
    """Return a word of capitals as signs and labels have them, every third time with letters that look like digits."""
    letters = "".join(CAPITALS[int(k)] for k in rng.integers(0, 50, int(rng.integers(3, 9))))
    if rng.random() < 0.33:
        at = int(rng.integers(len(letters)))
        letters = letters[:at] + "OIlSBZ"[int(rng.integers(6))] * int(rng.integers(1, 3)) + letters[at:]
    return letters


def digit(rng: np.random.Generator) -> str:
    """Return one digit; zero twice as often, since grids have none and numbers seldom begin with it."""
    return "00123456789"[int(rng.integers(11))]


def _digits(rng: np.random.Generator, count: int) -> str:
    return "".join(map(str, rng.integers(0, 10, count)))


def _date(rng: np.random.Generator) -> str:
    mark = ".-/"[int(rng.integers(3))]
    return f"{rng.integers(1, 32)}{mark}{rng.integers(1, 13)}{mark}{rng.integers(1950, 2040)}"


def amount(rng: np.random.Generator) -> str:
    """Return a price."""
    return f"{rng.integers(0, 1000)}{'.,'[int(rng.integers(2))]}{_digits(rng, 2)}"


def _sum(rng: np.random.Generator) -> str:
    first, second = (int(value) for value in rng.integers(0, 100, 2))
    sign = "+-x"[int(rng.integers(3))]
    return f"{first}{sign}{second}={_result(first, sign, second)}"


def _result(first: int, sign: str, second: int) -> int:
    """Return a sum's result without its sign."""
    return {"+": first + second, "-": abs(first - second), "x": first * second}[sign]


def _clock(rng: np.random.Generator) -> str:
    return f"{rng.integers(0, 24)}:{rng.integers(0, 60):02d}"


def _telephone(rng: np.random.Generator) -> str:
    return (
        f"{_digits(rng, int(rng.integers(2, 5)))}{' -/'[int(rng.integers(3))]}{_digits(rng, int(rng.integers(3, 7)))}"
    )


def _count(rng: np.random.Generator) -> str:
    return str(int(10 ** rng.uniform(0, 6)))


NUMBERS = (_date, amount, _sum, _clock, _telephone, _count, _count)
