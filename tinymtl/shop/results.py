"""What the arms measured, by condition and seed: means, paired gains, and all numbers as CSV."""

from __future__ import annotations

import csv
from dataclasses import asdict, fields, replace
from pathlib import Path

import numpy as np

from ..interaction import mean_and_error, transfer_gain
from .experiment import ARMS, LOSSES, METRICS, RATES, Condition

HIGHER = np.array([higher for _, higher in METRICS.values()])


class Results:
    """What every arm of every run measured: runs[condition][seed][arm].

    What sharing gains is paired: the mean over seeds of better minus alone. Positive is better.
    """

    def __init__(self):
        self.runs = {}

    def add(self, seed: int, condition: Condition, results: dict):
        self.runs.setdefault(condition, {})[seed] = results

    # Numbers

    def seeds(self, condition: Condition) -> int:
        """How many seeds were run."""
        return len(self.runs[condition])

    def first(self, condition: Condition) -> dict:
        """The run of the first seed: arm -> what it measured."""
        return next(iter(self.runs[condition].values()))

    def values(self, condition: Condition, arm: str) -> np.ndarray:
        """What an arm measured: (seeds, metrics)."""
        runs = [run[arm]["metrics"] for run in self.runs[condition].values()]
        return np.array([[metrics[name] for name in METRICS] for metrics in runs])

    def gains(
        self,
        condition: Condition,
        arm: str,
        against: str = "alone",
        of: Condition | None = None,
    ) -> dict[str, tuple[float, float]]:
        """metric -> (gain of an arm, its standard error).

        The gain is against an arm of the same condition, or of the condition `of`.
        """
        reference = self.values(of or condition, against)
        compared = self.values(condition, arm)
        gain, error = transfer_gain(
            np.where(HIGHER, reference, -reference),
            np.where(HIGHER, compared, -compared),
            higher_is_better=True,
        )
        return {m: (float(d), float(e)) for m, d, e in zip(METRICS, gain, error)}

    def growth(self, less: Condition, more: Condition, metric: str) -> tuple[float, float]:
        """How much more hard sharing gains over alone where less is known; and standard error."""
        gains = []  # by condition: (seeds,)
        column = list(METRICS).index(metric)
        for condition in (less, more):
            gain = self.values(condition, "hard") - self.values(condition, "alone")
            gains.append(gain[:, column] if HIGHER[column] else -gain[:, column])
        where_less, where_more = gains
        return transfer_gain(where_more, where_less, higher_is_better=True)

    def rate(self, condition: Condition, name: str) -> tuple[float, float]:
        """How often one of RATES happened in hard sharing, in percent; and standard error."""
        runs = self.runs[condition].values()
        return mean_and_error([100 * run["hard"]["rates"][name] for run in runs])

    def mean(self, condition: Condition, arm: str, key: str) -> float | None:
        """The mean over seeds of "seconds" or "steps"; None if they are not known."""
        measured = [run[arm].get(key) for run in self.runs[condition].values()]
        return None if None in measured else float(np.mean(measured))

    # Conditions

    def fractions(self) -> list[Condition]:
        """The conditions with the three arms that differ only in the fraction of known answers."""
        plain = [condition for condition in self.runs if has_all_arms(condition)]

        def apart_from_fraction(condition):
            return replace(condition, fraction=1.0, arms=())

        first = apart_from_fraction(plain[0])
        alike = [condition for condition in plain if apart_from_fraction(condition) == first]
        return sorted(alike, key=lambda condition: condition.fraction)

    def base(self, condition: Condition) -> Condition:
        """The condition whose arms a control, a pair of tasks or a rule is compared with."""
        if has_all_arms(condition):
            return condition
        wanted = replace(condition, control="", tasks=tuple(LOSSES), arms=())
        candidates = [candidate for candidate in self.runs if has_all_arms(candidate)]
        return next(c for c in candidates if replace(c, arms=()) == wanted)

    def controls(self, base: Condition) -> dict[str, Condition]:
        """control -> the condition that is `base` with this control, of those with shared arms."""
        found = {}
        for condition in self.runs:
            is_alike = replace(condition, control="", arms=base.arms) == base
            if condition.control and is_alike and not has_all_arms(condition):
                found[condition.control] = condition
        return found

    def pairs(self, base: Condition) -> dict[tuple[str, ...], Condition]:
        """Two tasks -> the condition that trains these alone and is like `base` otherwise."""
        found = {}
        for condition in self.runs:
            is_alike = replace(condition, tasks=base.tasks, arms=base.arms) == base
            if len(condition.tasks) == 2 and is_alike:
                found[condition.tasks] = condition
        return found

    # Files

    def write(self, path: Path, comment: str = ""):
        """Write every number as CSV: a row for each arm of each run."""
        with open(path, "w", newline="", encoding="utf-8") as file:
            if comment:
                file.write(f"# {comment}\n")
            writer = csv.writer(file, lineterminator="\n")
            columns = [field.name for field in fields(Condition)]
            columns += ["seed", "arm", "parameters", "seconds", *METRICS, *RATES]
            writer.writerow(columns)
            for condition, runs in self.runs.items():
                of_condition = _condition_cells(condition)
                for seed, run in runs.items():
                    for arm, measured in run.items():
                        writer.writerow([*of_condition, seed, arm, *_measured_cells(measured)])

    @classmethod
    def read(cls, path: Path) -> Results:
        """What `write` wrote. The steps to the least held-out loss are not in the file."""
        results = cls()
        with open(path, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(line for line in file if not line.startswith("#")):
                by_seed = results.runs.setdefault(_condition_of(row), {})
                run = by_seed.setdefault(int(row["seed"]), {})
                run[row["arm"]] = _measured_of(row)
        return results


def has_all_arms(condition: Condition) -> bool:
    return set(ARMS) <= set(condition.arms)


def _condition_cells(condition):
    """The fields of a condition, where a tuple becomes a+b+c."""
    cells = []
    for value in asdict(condition).values():
        cells.append("+".join(value) if isinstance(value, tuple) else value)
    return cells


def _condition_of(row):
    values = {}
    for field in fields(Condition):
        text = row[field.name]
        kind = type(field.default)
        if kind is tuple:
            values[field.name] = tuple(name for name in text.split("+") if name)
        else:
            values[field.name] = kind(text)
    return Condition(**values)


def _measured_cells(measured):
    """The parameters, the seconds, the metrics and the rates of an arm; "" for what it lacks."""
    cells = ["", ""]
    if "parameters" in measured:
        cells = [measured["parameters"]["total"], f"{measured['seconds']:.2f}"]
    rates = measured.get("rates", {})
    values = [measured["metrics"][name] for name in METRICS]
    values += [rates.get(name, np.nan) for name in RATES]
    cells += ["" if np.isnan(value) else f"{value:.4f}" for value in values]
    return cells


def _measured_of(row):
    def number(name):
        return float(row[name] or "nan")

    measured = {
        "metrics": {name: number(name) for name in METRICS},
        "rates": {name: number(name) for name in RATES},
    }
    if row["parameters"]:
        measured["parameters"] = {"total": int(row["parameters"])}
        measured["seconds"] = float(row["seconds"])
    return measured
