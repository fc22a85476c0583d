"""`python -m privacy` and the `privacy` command."""

import os

from privacy.cli import main as run


def main() -> None:
    """Run the command line; whatever file it makes is its owner's alone, also where the shell's umask says otherwise."""
    os.umask(0o077)
    run()


if __name__ == "__main__":
    main()
