"""Whole trials from a seed: people, couriers, delays, mistakes and faults, every act of them through the real workflows."""

from custody.workflows.simulation.plan import LOTS_MAX, SITES_MAX, Plan, plan_of
from custody.workflows.simulation.play import give_secrets, simulate
from custody.workflows.simulation.report import Report

__all__ = ["LOTS_MAX", "SITES_MAX", "Plan", "Report", "give_secrets", "plan_of", "simulate"]
