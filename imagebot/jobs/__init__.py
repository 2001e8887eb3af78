"""Rounds as jobs of procrastinate, which any number of replicas take from one PostgreSQL.

    database.py  the schema that all of this is in, and connections to it
    schema.sql   our own tables in it, beside procrastinate's
    lead.py      Lead: the clock, which one replica at a time has, and all that only this one does
    sessions.py  Sessions: connections for whatever thread
    takers.py    Takers: takes jobs, does them, and says how they ended
    notices.py   Notices: what every replica may read and say at any time
    messages.py  rounds, how they ended, and views, as text and back
    standing.py  who has the clock

Nothing in here outlives a version: another procrastinate, or other tables or messages, are another schema beside it.
"""
