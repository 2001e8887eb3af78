"""The health check of the container: `python -m imagebot.probe` exits with 0 if `imagebot run` answers, else with 1.

It asks the URL in IMAGEBOT_PROBE, and loads nothing else of imagebot: it runs twice a minute, beside an idle service.
"""

import os
import sys
import urllib.request

DEFAULT_URL = "http://127.0.0.1:8080/healthz"
_TIMEOUT_S = 5.0


def main() -> int:
    url = os.environ.get("IMAGEBOT_PROBE", DEFAULT_URL)
    # A proxy of the environment is for registries.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=_TIMEOUT_S) as answer:
            answer.read(1024)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{url}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
