"""imagebot keeps the container images named in Git config repositories up to date.

Read `poll.py` and `update.py` first: they tell the two rounds that everything else serves.
"""

__version__ = "0.1.0"
