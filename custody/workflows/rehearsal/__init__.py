"""The rehearsed road: one valid history from consent to infusion as a list of steps, for the drill, the demonstration and the tests."""
