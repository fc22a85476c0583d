"""`python -m privacy` and the `privacy` command."""

from privacy.cli import main

if __name__ == "__main__":
    main()
