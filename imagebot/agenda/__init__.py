"""When each round is due, and which may begin now: a function of what happened and of the instants it is told.

It reads no clock, starts no thread and knows no registry: the worker hands instants in, does what is taken from here,
and says how it ended. What it holds can be lost at any time: then everything is due once.
"""
