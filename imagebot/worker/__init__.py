"""The long-lived worker: rounds in threads of a bounded number, whenever the agenda says that they are due.

conductor.py  Conductor: keeps the agenda, and hands out what is due
crew.py       Crew: the threads that do rounds
worker.py     Worker: both in one process
steps.py      what a poll and an update come to
seen.py       what a target's last update went by, in the store
clock.py      what makes time pass
"""
