"""What pictures cost on other numbers of machines: a model that is fitted to a trial of tools/bulk_trial.py.

A command takes ``start`` seconds, whatever it is given, and a worker so many for each picture of a kind; workers divide
the pictures. Beside that pictures have to come to the machines, and answers back to the one that asks and writes. What
takes longest decides, since all of it goes on at the same time.
"""

import math
from dataclasses import dataclass

import numpy as np
from bulk_trial import Parts, Trial
from page_table import table

CORES, GIGABIT = 4, 125e6  # of a machine of a cluster, and the bytes a second of its network
MACHINES = (1, 10, 1_000)
PICTURES = 1_000_000
TEXT = """
## What a million costs elsewhere

| workers | pictures | seconds | pictures a second | the model says, seconds |
|--:|--:|--:|--:|--:|
{crews}

The model: a command takes {start:.1f} s to start and end, and a worker {each:,.0f} µs for each of these pictures
(without Ray, {whole:,.0f} µs of processor time). Both numbers follow from the rows with as many workers as cores or
fewer; the others were not used: {others}.
{again}

So a million pictures take, on machines of {cores} cores that are as fast as these, with a gigabit of network each, in
as many parts as there are workers, and in {parts:,} at least:

{machines}

*Work* is start and workers; *pictures in* what the network of the machines takes to bring them; *answers out* what the
one machine takes that gathers them: {gather:,.1f} ms for each part as measured where nothing was to do (0.0: not to be
told from one part), and the bytes of the answers over its network. The longest of the three decides.

What could break it:

- **A store or a file server** that does not give every machine a gigabit at the same time: a thousand of them ask for
  {store:,.0f} GB a second.
- **Too few parts.** A worker has one part at a time: with {parts:,} archives no more than {parts:,} workers have
  anything to do. Make them smaller for many machines.
- **Cores that are none.** Two threads of one core share it. Here two workers did {second:.2f} times the pictures of
  one, start and end included.
- **Ray itself** was not tried with more than the cores of one machine. With a thousand, starting takes longer than
  {start:.0f} s, and losing some of them is normal.
- **Other models.** A reader of digits takes some hundred times as long for a page: its time comes in the place of
  *infer*.
"""


@dataclass(frozen=True)
class Cost:
    """Seconds of a command by itself, and of a worker for each picture of the trial."""

    start: float
    each: float

    def seconds(self, pictures: float, workers: int, factor: float = 1.0) -> float:
        """Return how long a command takes; ``factor`` is what another picture takes over one of the trial."""
        return self.start + pictures * self.each * factor / workers


def fitted(trial: Trial) -> Cost:
    """Return the least squares of what was measured with no more workers than cores."""
    cores = trial.environment.threads_available
    used = [(crew.ran.pictures / crew.workers, crew.ran.seconds) for crew in trial.crews if crew.workers <= cores]
    loads, seconds = np.array(used).T
    each, start = np.polyfit(loads, seconds, 1)
    return Cost(float(start), float(each))


def section(trial: Trial) -> str:
    """Return what is said of one trial, nothing where it has not what the model needs."""
    if len(trial.crews) < 2 or not trial.again or not trial.parts:
        return ""
    cost, cores = fitted(trial), trial.environment.threads_available
    first = trial.runs[0]
    said = cost.seconds(first.pictures, cores)
    rows = [
        (crew.workers, f"{crew.ran.pictures:,}", f"{crew.ran.seconds:,.1f}", f"{crew.ran.rate:,.0f}",
         f"{cost.seconds(crew.ran.pictures, min(crew.workers, cores)):,.1f}")
        for crew in trial.crews
    ]  # fmt: skip
    rates = {crew.workers: crew.ran.rate for crew in trial.crews}
    return TEXT.format(
        crews="\n".join(f"| {' | '.join(map(str, row))} |" for row in rows),
        start=cost.start,
        each=cost.each * 1e6,
        whole=trial.parts[0].whole * 1e6,
        others=f"all {first.pictures:,} took {first.seconds:,.0f} s, and the model says {said:,.0f}",
        again=f"Asked again, when all was answered, it took {trial.again[-1].seconds:.1f} s.",
        cores=CORES,
        machines=table(*_machines(trial, cost)),
        gather=_gather_s(trial) * 1e3,
        store=MACHINES[-1] * GIGABIT / 1e9,
        parts=trial.shards,
        second=rates.get(2, math.nan) / rates[1],
    )


def _gather_s(trial: Trial) -> float:
    """Return what the machine which asks takes for a part: by how much all parts take it longer than one, when there
    is nothing to do."""
    one, every = trial.again
    return max(0.0, every.seconds - one.seconds) / (trial.shards - 1)


def _machines(trial: Trial, cost: Cost) -> tuple[list[str], list[list[object]], str]:
    names = ["pictures", "machines", "work, s", "pictures in, s", "answers out, s", "in all, s", "decided by"]
    return names, [_row(trial, cost, kind, count) for kind in trial.parts for count in MACHINES], "lrrrrrl"


def _row(trial: Trial, cost: Cost, kind: Parts, machines: int) -> list[object]:
    parts = max(trial.shards, machines * CORES)
    times = {
        "work": cost.seconds(PICTURES, machines * CORES, kind.whole / trial.parts[0].whole),
        "pictures in": cost.start + PICTURES * kind.picture_bytes / GIGABIT / machines,
        "answers out": cost.start + parts * _gather_s(trial) + PICTURES * kind.answer_bytes / GIGABIT,
    }
    longest = max(times, key=lambda name: times[name])
    return [
        kind.pictures,
        f"{machines:,}",
        *(f"{time:,.0f}" for time in times.values()),
        f"{times[longest]:,.0f}",
        longest,
    ]
