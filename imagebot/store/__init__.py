"""What imagebot remembers between rounds: tags with their times and digests, what digests stand for, the last outcomes.

It also remembers what was located in the files of config repositories, which registries asked to be left alone, and
what was found out at forges.

    store.py      Store: find and keep; the errors
    snapshots.py  tags, when each was first seen, and what it points to
    history.py    what happened to tags, and which repositories cannot be listed
    located.py    what was located in which blob, and in all files of a head
    pauses.py     until when a registry is left alone, as it asked
    memos.py      what was found out about a target at its forge
    contents.py   what a digest stands for, as text and back
    schema.py     the tables, and how a file becomes a store of this version

The store is a memory, not the truth: it can be deleted at any time, and only first-seen times and history are lost.
"""
