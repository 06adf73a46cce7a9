"""Figures, tables and texts about a campaign, from the board alone. They work on an empty or half-done campaign, too."""

from alphalab_nb.report.figures import Picture, convergence, family_shares, playbook_growth
from alphalab_nb.report.foresight import predictions
from alphalab_nb.report.judging import judge_record, kept_again
from alphalab_nb.report.openings import openings_table
from alphalab_nb.report.page import milestone, write_report
from alphalab_nb.report.tables import budget_by_stage, experiment_spending, failures, gap_table, leaderboard_table, sealed_table, spending

__all__ = [
    "Picture", "budget_by_stage", "convergence", "experiment_spending", "failures", "family_shares", "gap_table", "judge_record",
    "kept_again", "leaderboard_table", "milestone", "openings_table", "playbook_growth", "predictions", "sealed_table", "spending",
    "write_report",
]
