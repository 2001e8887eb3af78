"""What imagebot remembers between rounds: tags with their times and digests, what digests stand for, the last outcomes.

It also remembers what was located in the files of config repositories, which registries asked to be left alone, and
what was found out at forges.

    store.py      Store: find and keep
    snapshots.py  tags, when each was first seen, and what it points to
    history.py    what happened to tags, and which repositories cannot be listed
    located.py    what was located in which blob, and in all files of a head
    pauses.py     until when a registry is left alone, as it asked
    memos.py      what was found out about a target at its forge
    contents.py   what a digest stands for, as text and back
    schema.py     the tables
    migrations/   the steps from the tables of earlier versions to these, and how to add a table
    place.py      where a store is: a file, or a PostgreSQL database
    engine.py     connections to either, and what differs between them
    opening.py    how a place becomes a store of this version
    fault.py      what can go wrong
    retention.py  what is forgotten, and when
    upkeep.py     is it sound, how large is it, give space back

The store is a memory, not the truth: it can be deleted at any time, and only first-seen times and history are lost.
"""
