"""Some hundred mutants of the fuzzer, of every kind: each is answered or refused with a message."""

import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).resolve().parents[2] / "tools" / "fuzz"
MUTANTS = {"models": 40, "cards": 80, "checkpoints": 40, "recipes": 80, "studies": 40, "arrays": 60, "pictures": 80}
SEED = 16


@pytest.fixture(scope="module", autouse=True)
def _fuzzer() -> object:
    """Let the fuzzer's modules be imported as they import each other."""
    sys.path.insert(0, str(FUZZ))
    yield
    sys.path.remove(str(FUZZ))


@pytest.mark.parametrize("kind", MUTANTS)
def test_every_mutant_is_answered_or_refused(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from attempt import ANSWERED, REFUSED, attempt

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    seen = {number: attempt(kind, SEED, number) for number in range(MUTANTS[kind])}
    assert {number: found for number, found in seen.items() if found[0] not in (ANSWERED, REFUSED)} == {}
    assert {outcome for outcome, _ in seen.values()} == {
        ANSWERED,
        REFUSED,
    }  # neither all dead nor all well


def test_a_mutant_follows_from_its_seed_and_number() -> None:
    import random

    from cases import CASES

    for case in CASES.values():
        drawn = [case.make(random.Random("0 1")) for _ in range(2)]
        assert drawn[0] == drawn[1]


def test_what_is_no_message_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    from attempt import LEFT, TRACEBACK, attempt
    from cases import CASES, Case

    def leave(path: Path) -> None:
        path.with_name(".half").touch()

    monkeypatch.setitem(CASES, "cards", Case("a", lambda draw: b"", lambda path: 1 / 0))
    assert attempt("cards", 0, 0)[0] == TRACEBACK
    monkeypatch.setitem(CASES, "cards", Case("a", lambda draw: b"", leave))
    assert attempt("cards", 0, 0) == (LEFT, ".half")
