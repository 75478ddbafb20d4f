"""``python -m mattomo``."""

from mattomo.cli import main

if __name__ == "__main__":
    main()
