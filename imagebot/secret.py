"""A text that must not be seen: passwords and tokens.

It can be handed on freely, because printing, formatting or logging it shows a mask; only `reveal()` gives the text, at
the one place where it is sent to the host it was configured for.
"""

MASK = "********"


class Secret:
    """Holds a secret text; `str`, `repr` and every format of it show a mask."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret is not pickled")
