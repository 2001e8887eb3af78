"""What one target's merge requests say: the words are the core's, and what they need to know is found out here.

Images are asked what they say of themselves only for a text that is going to be written, not in quiet rounds. Where a
template of the policy file breaks, the built-in text takes its place, and says so; nothing waits for it to be mended.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from imagebot.forge import Forge
from imagebot.image.description import Description
from imagebot.image.reference import Repository
from imagebot.log import log
from imagebot.look import Look
from imagebot.proposal.cautions import Left
from imagebot.proposal.commit import make_commit_text
from imagebot.proposal.markup import code
from imagebot.proposal.moves import list_identifiers, make_moves
from imagebot.proposal.plan import Group
from imagebot.proposal.request_rules import AutoMerge, RequestRules
from imagebot.proposal.team_text import write_commit_text, write_description, write_title
from imagebot.proposal.template import InvalidTemplate, Template
from imagebot.proposal.text import Backdrop, Text, make_text, make_title

Describe = Callable[[Repository, Iterable[str]], Mapping[str, Description]]
"""Finds what images of a repository, named by tags or digests, say of themselves; what cannot be had is missing."""


@dataclass(frozen=True, slots=True)
class Wording:
    """Writes the texts of one round; `left` are the places that stay at versions which others leave.

    `faults` are those of templates, by the key of the policy file: they are put there when they show.
    """

    look: Look
    forge: Forge
    describe: Describe
    left: tuple[Left, ...] = ()
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def _rules(self) -> RequestRules:
        return self.look.policy.merge_requests

    @property
    def _policy_file(self) -> str:
        return self.look.target.policy_file

    def make_title(self, group: Group) -> str:
        def write(template: Template) -> str:
            return write_title(template, group, policy_file=self._policy_file)

        return self._write("title", self._rules.templates.title, write) or make_title(group)

    def make_commit_text(self, group: Group) -> str:
        def write(template: Template) -> str:
            return write_commit_text(template, group, policy_file=self._policy_file)

        written = self._write("commit_message", self._rules.templates.commit_message, write)
        return written or make_commit_text(self.make_title(group), group)

    def write_text(self, group: Group, *, limit: int) -> Text:
        """Write title and body, of at most `limit` characters; asks what the images say of themselves."""
        backdrop = self._make_backdrop(group)

        def write(template: Template) -> str:
            return write_description(template, group, backdrop, limit=limit)

        title = self.make_title(group)
        body = self._write("description", self._rules.templates.description, write)
        if body is None:
            notes = "".join(f"- ⚠️ {code(fault)}\n" for _, fault in sorted(self.faults.items()))
            body = f"{notes}\n" * bool(notes) + make_text(group, backdrop, limit=limit - len(notes) - 1).body
        return Text(title, body)

    def describe_rest(self, group: Group) -> tuple[tuple[str, str], ...]:
        """List what the text tells beside the changes themselves; where it differs, the text is written anew."""
        templates = self._rules.templates
        facts = {
            "title": templates.title and templates.title.text,
            "description": templates.description and templates.description.text,
            "merges": self._rules.auto_merge is not AutoMerge.NEVER,
            "repushed": any(move.is_repushed for move in make_moves(group, {})),
        }
        return tuple((name, str(fact)) for name, fact in facts.items() if fact)

    def _write(self, key: str, template: Template | None, write: Callable[[Template], str]) -> str | None:
        """Write by the template; None if there is none, or it breaks."""
        if template is None:
            return None
        try:
            return write(template)
        except InvalidTemplate as error:
            line = template.position + (error.line or 1) - 1
            fault = f"{self._policy_file}:{line}: merge_requests.{key}: {error.reason}; the built-in text is used"
            if key not in self.faults:
                log.warning("template_failed", key=key, line=line, reason=error.reason)
            self.faults[key] = fault
            return None

    def _make_backdrop(self, group: Group) -> Backdrop:
        described = {image: self.describe(image, wanted) for image, wanted in list_identifiers(group).items()}
        merges_by_itself = self._rules.auto_merge is not AutoMerge.NEVER
        return Backdrop(self._policy_file, self._find_url, described, self.left, merges_by_itself=merges_by_itself)

    def _find_url(self, path: str, line: int) -> str | None:
        """Find the address of a line as it stood when the text was written: lines of later commits are others."""
        look = self.look
        is_policy = path == self._policy_file
        return self.forge.file_url(look.branches[look.target.branch] if is_policy else look.head, path, line=line)
