"""`python -m custody.cli` is `custody`."""

from custody.cli import main

# The drill's second process imports this module again, and must not begin another drill.
if __name__ == "__main__":
    main()
