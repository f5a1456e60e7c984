"""Where it is kept: the only SQL of custody, SQLAlchemy Core throughout."""
