"""Two PostgreSQL servers under load: the first is killed, the second hangs or vanishes, and nothing that was acknowledged is lost."""
