"""Where the command starts: nothing is imported before Ctrl-C is looked after."""

import os
import sys


def run() -> None:
    """Run the command line; Ctrl-C while it still loads ends it without a traceback, with exit code 130."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # of this process and those that it starts: no reports
    try:
        from .guard import supervise

        supervise(sys.argv[1:])
        from .main import main

        main()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    run()
