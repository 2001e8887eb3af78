"""What imagebot remembers between rounds: the tags last listed, when each was first seen, and the last outcomes.

    store.py    Store: find and keep; the errors
    schema.py   the tables, and how a file becomes a store of this version

The store is a memory, not the truth: it can be deleted at any time, and only first-seen times and history are lost.
"""
