"""When images were built, for the policy `newest: built`.

Each candidate's image has to be looked at once; what was found is known by digest for ever. The digest of a tag is that
of its last sighting: whether it still points there is asked of the tag that is written, and of the one that is chosen.
So it is a policy for tags that are pushed once.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from imagebot.image.platform import Platform
from imagebot.image.snapshot import MOST_AHEAD, Sighting
from imagebot.policy.known import Known, Question, Unknown
from imagebot.policy.reading import Rule, Rules, find_text

# Each costs some requests, the first time.
_MOST_LOOKED_AT = 1000
_USUAL = Platform("linux", "amd64")


def find_build_times(
    listed: Collection[str], rules: Rules, *, current: str | None, known: Known
) -> Mapping[str, datetime] | Unknown | str:
    """Find when the image of each tag that the filter admits was built; of those that do not say, nothing.

    The tag now written is looked at even if it is excluded: what was built before it is a step back. Returns a sentence
    if more tags are admitted than are looked at.
    """
    texts = ((tag, find_text(tag, rules.filter, even_if_excluded=tag == current)) for tag in listed)
    admitted = [tag for tag, text in texts if not isinstance(text, Rule)]
    if len(admitted) > _MOST_LOOKED_AT:
        most = f"{rules} looks at the images of {_MOST_LOOKED_AT} tags at most"
        return f"{most}, and {len(admitted)} are admitted: narrow them with tags.include"
    times: dict[str, datetime] = {}
    questions: set[Question] = set()
    for tag in admitted:
        built = _find_build_time(tag, rules, known, is_fresh=tag == current)
        if isinstance(built, Unknown):
            questions |= built.questions
        elif built is not None:
            times[tag] = built
    return Unknown(frozenset(questions)) if questions else times


def _find_build_time(tag: str, rules: Rules, known: Known, *, is_fresh: bool) -> datetime | Unknown | None:
    sighting = known.find_sighting(tag, is_fresh=is_fresh)
    if not isinstance(sighting, Sighting):
        return sighting
    platforms = known.find_platforms(sighting.digest)
    if not platforms or isinstance(platforms, Unknown):
        return platforms if isinstance(platforms, Unknown) else None
    built = known.find_built(platforms[_find_representative(platforms, rules)])
    is_told = isinstance(built, Unknown) or (built is not None and built <= known.now + MOST_AHEAD)
    return built if is_told else None


def _find_representative(platforms: Collection[Platform], rules: Rules) -> Platform:
    """Choose the platform whose image speaks for all, as they are built together."""
    named = sorted(rules.platforms.intersection(platforms))
    if named:
        return named[0]
    return _USUAL if _USUAL in platforms else min(platforms)
