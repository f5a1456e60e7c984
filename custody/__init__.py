"""custody decides whether this bag may go into this patient, now, and can prove why."""

__version__ = "0.1.0"
