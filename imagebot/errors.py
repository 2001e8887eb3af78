"""The errors imagebot raises, by who can help.

    ImagebotError
    ├── Transient        the same call may succeed later: the round is tried again
    ├── NeedsOperator    only a setting, credential or permission helps: not tried again until it changes
    └── InvalidInput     a text breaks its grammar: whoever owns the text says where it came from

A concrete class stands beside the code that raises it. Anything that is none of these is a bug.
"""


class ImagebotError(Exception):
    """What imagebot raises on purpose; its text is a sentence for people, made from its fields."""


class Transient(ImagebotError):
    """The same call may succeed later: 429, 5xx, a timeout, a branch that moved."""


class NeedsOperator(ImagebotError):
    """Only a setting, a credential or a permission helps: 401, a refused push."""


class InvalidInput(ImagebotError):
    """A text breaks its grammar."""
