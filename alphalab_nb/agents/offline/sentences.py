"""What the offline researcher says about a fact. Every number comes out of the fact, so each stands in the cell that printed it.

Kinds stand in the order of what matters to an experiment: the report names the first five that were found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LEARNT: dict[str, str] = {
    "level_shift": "{item}: level shift of {change} against {against} from {start} on (medians of {blocks} {step} before and after)",
    "dead_sensor": "{item}: dead or stuck sensor, {rows} rows ({days} days) of the constant {value} from {start} to {end}",
    "slump": "Slump from the week of {start} to that of {end} ({weeks} weeks): {mean} against the year before, {worst} at worst",
    "boom": "Boom from the week of {start} to that of {end} ({weeks} weeks): {mean} against the year before, {worst} at most",
    "clock_shift": "Summer time: from {date} on ({rule}) the daily profile comes {hours} h {direction} in {items} of {of} items "
                   "(correlation {correlation} shifted, {unshifted} unshifted)",
    "best_naive": "Best naive forecast: {method}, {metric} {value} against {against} of the naive ({gain_percent} % less)",
    "season_share": "Season of {season} rows: its mean profile explains {share_percent} % of the variance around the slow level "
                    "(items: {least} to {most} %)",
    "yearly_change": "{item}: change over a year {median} in the median, rising in {rising_percent} % of {rows} rows",
    "trend_speed": "Trend: {early} per year in the first half of {years} full years, {late} in the last",
    "gap": "Gap in {item}: {rows} rows ({days} days) without values from {start} to {end}",
    "duplicate": "Duplicate stamp {stamp} in {item}: {detail}",
    "closure": "{item}: {runs} short runs of one value, {rows} rows in all, the longest {longest} rows of {value} from {start} on",
    "zeros": "{item}: {rows} zero rows ({share_percent} %), closures or sensor faults",
    "hardest": "Hardest item: {item} with an error of {value}, easiest {easiest} with {least} ({method})",
    "scales": "Scales differ: standard deviation {largest_sd} in {largest}, {smallest_sd} in {smallest}; "
              "the largest carries {share_percent} % of the variance",
    "months": "Month {peak} is the highest, month {low} the lowest, {amplitude} apart in the mean over {years} years",
    "hours": "Hour {peak} is the highest ({peak_ratio} of the mean), hour {low} the lowest ({low_ratio})",
    "weekdays": "{peak} is the highest weekday ({peak_ratio} of the mean), {low} the lowest ({low_ratio})",
    "weekend": "Weekend and working day: profiles correlate at {correlation}, peaks at hour {weekend_peak} and {working_peak}",
    "error_by_step": "Error of {method}: {first} at the first step, {last} at step {last_step}",
    "correlation": "Items correlate at {mean} in the mean of {pairs} pairs ({least} to {most})",
    "component": "One common component carries {share_percent} % of the items' variance",
    "outsider": "{item} is least like the others: mean correlation {mean}",
    "change_correlation": "Successive changes correlate at {correlation} ({pairs} pairs)",
    "year_change": "Against the same week a year before: {median} in the median of {weeks} weeks, least {least} ({least_week}), "
                   "most {most} ({most_week})",
    "unusual_day": "{weekday} {date} lies {change} off the usual neighbours",
    "repeated_days": "Unusual on the same calendar day in several years: {total} ({dates})",
    "profile_kept": "The profile over {season} rows in the first and last third correlates at {correlation} (least {least})",
    "noise": "One-step changes: robust sd {first} in the first third, {last} in the last",
    "outliers": "{total} values ({share_percent} %) in {items} items lie over {limit} robust sd from their neighbours in the season",
    "covariate": "Covariate {name} ({state}): correlation {correlation} with the mean item, {missing_percent} % missing",
    "missing": "Missing: {share_percent} % of the cells ({cells}), in {items_affected} of {items} items",
    "noise_left": "{partition}: noise draws that a full score is the mean of: {draws}, which leave {percent} % of the noise of one",
    "families": "Families of points: {total} ({names})",
}

REPORTED: dict[str, str] = {
    "shape": "{rows} rows x {items} items, {cells} cells",
    "step": "Step {freq} ({regular}), {start} to {end}, {days} days",
    "seasons": "Main season {season} rows ({periods} periods); candidates {seasons}",
    "types": "{integer_items} of {items} items hold whole numbers only",
    "ragged": "Series differ in length: {shortest} has {least} rows, the longest {longest}",
    "repairs": "Repairs while reading: {total} ({kinds})",
    "repair": "Repair ({what}) in {item} at {stamp}: {detail}",
    "stamps_left": "Stamps that do not increase: {bad}",
    "gaps": "Gaps: {total}, the longest of {longest} rows",
    "item": "{item}: {count} values, mean {mean}, sd {sd}, {low} to {high}, median {median}, skew {skew}",
    "negative": "{cells} negative cells in {items} items",
    "dead_sensors": "Dead or stuck for {least} rows or more: {runs} runs in {items} items",
    "zero_items": "{items} of {of} items hold zeros",
    "level_shifts": "Level shifts: {total}, in {items} of {of} items",
    "outlier": "{item} at {stamp}: {value}, {z} robust sd off",
    "no_trend": "{days} days are too short for a change over a year",
    "autocorrelation": "Lag {lag}: autocorrelation {mean} in the mean of the items ({least} to {most})",
    "clock_shifts": "{total} clock changes show in the daily profile ({days} days compared on each side)",
    "no_clock": "Step {freq}: no time of day, so no summer-time shift to look for",
    "no_year_before": "{days} days: there are no same weeks of a year before to compare with",
    "slumps": "Slumps and booms of more than {limit} % against the year before: {total}",
    "unusual_days": "{total} of {of} days or rows lie over {limit_percent} % off their usual neighbours",
    "least_alike": "Least alike: {first} and {second}, correlation {correlation}",
    "part": "{item}, first and last third: mean {first_mean} and {last_mean}, sd {first_sd} and {last_sd}",
    "naive_error": "{method}: {metric} {value} over {origins} origins",
    "too_short": "{rows} rows are too short to try a forecast of {horizon} rows",
    "covariates": "{count} covariates, {known} known in advance",
    "no_covariates": "Covariates: {count}",
    "family": "{family}: {parameters} parameters, {numbers} numbers and {choices} choices, {branches} of them in a branch; {summary}",
    "range": "{family}.{name}: {low} to {high}, {scale}, default {default}",
    "choice": "{family}.{name}: one of {choices}, default {default}",
}
"""Said in data_report/ only."""

_ALL = {**LEARNT, **REPORTED}


def sentence(fact: Mapping[str, Any]) -> str:
    """Return what is said about a fact; empty for one that is not for readers or lacks a value."""
    try:
        return _ALL.get(str(fact.get("fact")), "").format(**fact)
    except KeyError:
        return ""


def rank(fact: Mapping[str, Any]) -> int:
    """Return how much a kind matters, 0 first."""
    return list(LEARNT).index(str(fact["fact"]))
