"""The sites of a policy file; what they mean is said in `yamledit`."""

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from imagebot.settings.parsed import parsed
from imagebot.settings.section import MadeFrom, Refused, Section
from imagebot.yamledit.captures import FilePattern, ImageTemplate, parse_file_pattern, parse_image_template
from imagebot.yamledit.sites import PARTS, InvalidSite, Site, make_site
from imagebot.yamledit.yaml_path import YamlPath, parse_yaml_path


def _make_list(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _refuse_none(patterns: tuple[FilePattern, ...], _: object) -> tuple[FilePattern, ...]:
    if not patterns:
        raise Refused("at least one pattern", found="an empty list")
    return patterns


SiteFile = Annotated[
    FilePattern, MadeFrom('a pattern of files from the root on, as in "tags/{app}.yaml"', parsed(parse_file_pattern))
]
_ONE_OR_MORE = Annotated[tuple[SiteFile, ...], BeforeValidator(_make_list), Field(max_length=32)]
SiteFiles = Annotated[
    tuple[FilePattern, ...],
    MadeFrom("a pattern or a list of them", _refuse_none, source=_ONE_OR_MORE, other=({"type": "string"},)),
]
SiteImage = Annotated[
    ImageTemplate,
    MadeFrom("a repository, with captures of the files, as in ghcr.io/acme/{app}", parsed(parse_image_template)),
]
SitePath = Annotated[YamlPath, MadeFrom("a YAML path, as in spec.containers[name=web].image", parsed(parse_yaml_path))]


class SiteSection(Section):
    """One of `sites`: files, the image that they are about, and the paths of its parts."""

    files: SiteFiles
    image: SiteImage | None = None
    tag: SitePath | None = None
    digest: SitePath | None = None
    repository: SitePath | None = None
    registry: SitePath | None = None
    reference: SitePath | None = None

    @model_validator(mode="after")
    def _refuse_what_does_not_go_together(self) -> "SiteSection":
        self.make(position=0)
        return self

    def make(self, *, position: int) -> Site:
        """Make the site; raises Refused for what does not go together."""
        paths = {part: path for part in PARTS if (path := getattr(self, part)) is not None}
        try:
            return make_site(self.files, self.image, paths, position=position)
        except InvalidSite as error:
            raise Refused(error.accepted, found=error.found, at=(error.key,) if error.key else ()) from error
