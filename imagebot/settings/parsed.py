"""Values of the policy file that parsers of the core make, with their faults said as the settings say them."""

from collections.abc import Callable
from typing import TypeVar

from imagebot.image.platform import InvalidPlatform
from imagebot.image.reference import InvalidReference
from imagebot.policy.calver import InvalidCalver
from imagebot.policy.entry import InvalidFileGlob, InvalidImagePattern
from imagebot.policy.tag_filter import InvalidPattern
from imagebot.proposal.schedule import InvalidCron
from imagebot.settings.fault import quote
from imagebot.settings.section import Refused
from imagebot.yamledit.captures import InvalidFilePattern, InvalidImageTemplate
from imagebot.yamledit.yaml_path import InvalidYamlPath

T = TypeVar("T")

_INVALID = (
    InvalidImagePattern,
    InvalidFileGlob,
    InvalidCalver,
    InvalidPattern,
    InvalidReference,
    InvalidPlatform,
    InvalidFilePattern,
    InvalidImageTemplate,
    InvalidYamlPath,
    InvalidCron,
)


def parsed(parse: Callable[[str], T]) -> Callable[[str, object], T]:
    """Let what a parser of the core finds wrong be said as a fault."""

    def make(text: str, _: object) -> T:
        try:
            return parse(text)
        except _INVALID as error:
            raise Refused(found=f"{quote(text)} ({error.reason})") from error

    return make
