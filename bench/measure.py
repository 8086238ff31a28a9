"""Figures: several measurements of one thing, and of two things in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Round: TypeAlias = Callable[[int], object]
"""What is measured, given the number of the round."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Measurements of one thing, in seconds (or megabytes); at least one."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """The quartiles, or of few measurements the least and the greatest."""
        if len(self.values) < 4:
            return min(self.values), max(self.values)
        first, _, third = statistics.quantiles(self.values, method="inclusive")
        return first, third

    def over(self, others: Figures) -> Figures:
        """These divided by others: round by round where they were measured in turn, else by the median."""
        if len(self.values) == len(others.values):
            return Figures(tuple(one / other for one, other in zip(self.values, others.values, strict=True)))
        return Figures(tuple(one / others.median for one in self.values))

    def each(self, factor: float) -> Figures:
        """All of them times `factor`."""
        return Figures(tuple(value * factor for value in self.values))


def seconds(run: Round, number: int = 0) -> float:
    """How long one round takes."""
    started = time.perf_counter()
    run(number)
    return time.perf_counter() - started


def in_turn(rounds: int, *runs: Round) -> Sequence[Figures]:
    """Each of `runs` once a round, one after the other: what slows the machine for a while slows all of them."""
    measured = [[seconds(run, number) for run in runs] for number in range(rounds)]
    return [Figures(values) for values in zip(*measured, strict=True)]
