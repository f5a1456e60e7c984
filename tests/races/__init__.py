"""Many clients at once over HTTP, through the real server: exactly one wins, and a request sent twice is one act."""
