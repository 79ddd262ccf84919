"""Timing that stays comparable on a busy machine: floor and target side by side, ratio a round."""

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. Without a goal it informs; `remarks` are printed below the table."""

    name: str
    floor: str
    value: str
    ratio: float | None = None
    spread: tuple[float, float] | None = None
    goal: float | None = None
    rounds: int = 0
    remarks: Sequence[str] = ()

    @property
    def met(self) -> bool | None:
        """Whether the ratio is within the goal; None where there is no goal."""
        return None if self.ratio is None or self.goal is None else self.ratio <= self.goal


@dataclass(frozen=True, slots=True)
class Samples:
    """Seconds a call, by name, one sample a round."""

    seconds: Mapping[str, list[float]]

    @property
    def rounds(self) -> int:
        return len(next(iter(self.seconds.values())))

    def typical(self, name: str) -> float:
        """Return the median of the seconds that a call of `name` took."""
        return median(self.seconds[name])

    def row(
        self,
        label: str,
        target: str,
        floor: str,
        *,
        goal: float | None = None,
        against: str = "",
        remarks: Sequence[str] = (),
    ) -> Row:
        """Return the ratio of `target` to `floor`: the median over the rounds, and quartiles."""
        pairs = zip(self.seconds[target], self.seconds[floor], strict=True)
        ratios = [one / other for one, other in pairs]
        low, middle, high = quantiles(ratios, n=4) if len(ratios) > 1 else ratios * 3
        value = f"{duration(self.typical(target))} / {duration(self.typical(floor))}"
        return Row(label, against or floor, value, middle, (low, high), goal, self.rounds, remarks)


def sample(
    calls: Mapping[str, Call],
    *,
    rounds: int,
    batch: int,
    clock: Callable[[], float] = time.process_time,
    warm_up: int = 20,
) -> Samples:
    """Time every call in every round, `batch` times in a row, starting with another each round.

    `clock` is the CPU time of this process, or `time.perf_counter` where the database works too.
    """
    for call in calls.values():
        for _ in range(warm_up):
            call()
    names = list(calls)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    gc.collect()
    for number in range(rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            call = calls[name]
            started = clock()
            for _ in range(batch):
                call()
            seconds[name].append((clock() - started) / batch)
    return Samples(seconds)


def duration(seconds: float) -> str:
    """Return a duration for a person: `58.1 µs`, `4.20 ms`."""
    micro = seconds * 1e6
    return f"{micro:.3g} µs" if micro < 1000 else f"{micro / 1000:.3g} ms"
