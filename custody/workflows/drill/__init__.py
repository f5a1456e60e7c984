"""The drill: every must-block scenario of the rules, played through the real workflows on a store of its own."""

from custody.workflows.drill.runner import Result, run_drill

__all__ = ["Result", "run_drill"]
