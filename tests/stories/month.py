"""A month of a config repository: people, a registry and imagebot, all at once, by the throw of seeded dice.

Each day a few things happen, then imagebot runs, and what must always hold is looked at: one open merge request for a
branch, nothing proposed that was refused, no commit of a person lost, main untouched, each change exact to the byte,
and nothing left to do for a second round.
"""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from imagebot.proposal.block import find_block
from tests.servers.forge_project import RefusalError, StoredMergeRequest
from tests.servers.gitserver import git, list_heads, read_branch, seed
from tests.servers.loopback_forge import Fault
from tests.stories.story import Story

NAMES = ("api", "web", "worker", "cache")
POLICIES = ("{semver: minor}", "{semver: major}", "{semver: patch}", '{semver: "<3"}')
GROUPS = ("group_by: image", "group_by: all", "group_by: file", "group_by: directory", "max_open: 2")
_TAG = re.compile(rb"(?P<image>127\.0\.0\.1:\d+/acme/\w+):(?P<tag>[\w.-]+)")
# As people write them: quotes, carriage returns, a byte order mark, comments, no line break at the end.
_FORMS: tuple[Callable[[str], bytes], ...] = (
    lambda image: f"# {image}\nimage: {image}  # as tested\n".encode(),
    lambda image: f"kind: Pod\r\nspec:\r\n  containers:\r\n  - name:   x\r\n    image: '{image}'\r\n".encode(),
    lambda image: b"\xef\xbb\xbf" + f'services: {{a: {{image: "{image}"}}, b: {{}}}}'.encode(),
    lambda image: f"a: &a\n    image:    {image}\n\n\nb: 0x1f\n...\n".encode(),
)

Place = tuple[str, str, str]
"""A file, an image in it and a tag."""


def find_tags(data: bytes) -> dict[str, str]:
    """Find the images that a file names outside of comments, with their tags."""
    lines = (line.split(b"#")[0] for line in data.splitlines())
    return {match["image"].decode(): match["tag"].decode() for line in lines for match in _TAG.finditer(line)}


@dataclass
class Month:
    """What has happened so far, as far as it decides what may happen next."""

    story: Story
    dice: random.Random
    log: list[str] = field(default_factory=list)
    versions: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    refused: dict[Place, int] = field(default_factory=dict)
    """What must not be proposed, by the merge request that was closed, or taken back."""
    commits: dict[str, str] = field(default_factory=dict)
    """The newest commit of a person by branch."""
    is_broken: bool = False
    """Whether the policy file is such that nothing is decided."""

    def begin(self) -> None:
        for name in NAMES:
            self.versions[name] = (1, 0, 0)
            self.story.push(name, "1.0.0")
        for number, name in enumerate((*NAMES, "api", "web")):
            folder = ("prod", "test")[number % 2]
            form = _FORMS[number % len(_FORMS)]
            path = f"{folder}/{number}-{name}.yaml"
            self.story.commit({path: form(self.story.image(name, "1.0.0"))})
        self.story.set_policy()

    def live_a_day(self) -> None:
        """Let a few things happen, run imagebot, perhaps with something going wrong, and look at what must hold."""
        if self.is_broken and self.dice.random() < 0.6:
            self.change_the_policy()
        for _ in range(self.dice.randrange(1, 7)):
            self.dice.choice(EVENTS)(self)
        self.story.world.now += timedelta(hours=self.dice.randrange(1, 48))
        if self.dice.random() < 0.2:
            self._run_with_a_fault()
        main = list_heads(self.story.world.bare)["main"]
        ran = self.story.run()
        self.note(f"ran: {ran.actions()}")
        assert list_heads(self.story.world.bare)["main"] == main, self.tell("main was written")
        self.check_people()
        if not self.is_broken:
            assert ran.exit_code == 0, self.tell(f"{ran['error']} {ran.details()}")
            left = {branch for branch, action in ran.actions().items() if action == "left alone"}
            assert left <= self.commits.keys(), self.tell(f"{left} are left to people who have nothing there")
            self.check_proposals()
        if self.dice.random() < 0.3:
            self.note("forgot")
            self.story.forget_store()
        if {"closed", "waiting"} <= set(ran.actions().values()):
            self.note(f"made room for what waits: {self.story.run().actions()}")
        before = self.story.world.count_writes()
        again = self.story.world.run()
        assert self.story.world.count_writes() == before, self.tell(f"a second round did {again.actions()}")

    def note(self, event: str) -> None:
        self.log.append(event)

    def tell(self, what: str) -> str:
        """Say what is wrong, after what."""
        return "\n".join([what, "after:", *self.log[-60:]])

    # What must hold

    def check_people(self) -> None:
        """No commit of a person is lost, unless people lost it."""
        bare = self.story.world.bare
        heads = list_heads(bare)
        for branch, oid in self.commits.items():
            assert branch in heads, self.tell(f"{branch} with a person's commit was deleted")
            ancestors = git(bare, "rev-list", heads[branch]).decode().split()
            assert oid in ancestors, self.tell(f"the person's commit on {branch} was overwritten")

    def check_proposals(self) -> None:
        opened = self._list_open()
        branches = [each.branch for each in opened]
        assert len(branches) == len(set(branches)), self.tell(f"two merge requests are open for one of {branches}")
        proposed: dict[tuple[str, str], str] = {}
        for each in opened:
            if each.branch not in self.commits:
                for path, image in self._check_proposal(each):
                    other = proposed.setdefault((path, image), each.branch)
                    assert other == each.branch, self.tell(f"{image} in {path} is on {other} and on {each.branch}")

    def _check_proposal(self, request: StoredMergeRequest) -> list[tuple[str, str]]:
        """See that merging it would change tags and nothing else, the ones it says, and none that was refused."""
        block = find_block(request.body)
        assert block is not None, self.tell(f"{request.branch} has lost its block")
        before, after = read_branch(self.story.world.bare), self._merge(request.branch)
        assert before.keys() == after.keys(), self.tell(f"{request.branch} adds or removes files")
        changed = [path for path in before if before[path] != after[path]]
        assert changed, self.tell(f"{request.branch} changes nothing")
        pairs, places = set(), []
        for path in changed:
            old, new = find_tags(before[path]), find_tags(after[path])
            moved = {image: tag for image, tag in new.items() if old.get(image) != tag}
            exact = before[path]
            for image, tag in moved.items():
                exact = _write(exact, image, tag)
                assert (path, image, tag) not in self.refused, self.tell(f"{image}:{tag} in {path} was refused")
                pairs.add((image, tag))
                places.append((path, image))
            assert after[path] == exact, self.tell(f"{request.branch} changes more of {path} than tags")
        assert pairs == set(map(tuple, block.pairs)), self.tell(
            f"{request.branch} tells {block.pairs}, but does {pairs}"
        )
        return places

    def _merge(self, branch: str) -> Mapping[str, bytes]:
        """Read all files as they were if the branch was merged into main now."""
        bare = self.story.world.bare
        try:
            tree = git(bare, "merge-tree", "--write-tree", "main", branch).decode().split()[0]
        except Exception as error:
            raise AssertionError(self.tell(f"{branch} conflicts with main")) from error
        listing = [line.split(b"\t") for line in git(bare, "ls-tree", "-r", "-z", tree).split(b"\0") if line]
        return {path.decode(): git(bare, "cat-file", "blob", meta.split()[2].decode()) for meta, path in listing}

    # What happens

    def _list_open(self) -> list[StoredMergeRequest]:
        requests = self.story.forge.merge_requests.values()
        return [each for each in requests if each.state == "opened" and each.branch.startswith("imagebot/")]

    def _pick_open(self) -> StoredMergeRequest | None:
        opened = self._list_open()
        return self.dice.choice(opened) if opened else None

    def _list_places(self, branch: str) -> list[Place]:
        """List what a branch changes, against where it began."""
        bare = self.story.world.bare
        base = git(bare, "merge-base", "main", branch).decode().strip()
        names = git(bare, "diff", "--name-only", "-z", base, branch).decode().split("\0")
        places = []
        for path in filter(None, names):
            old = find_tags(git(bare, "show", f"{base}:{path}")) if path.endswith(".yaml") else {}
            new = find_tags(git(bare, "show", f"{branch}:{path}")) if path.endswith(".yaml") else {}
            places += [(path, image, tag) for image, tag in new.items() if old.get(image) != tag]
        return places

    def _refuse(self, request: StoredMergeRequest) -> None:
        """Note what must not be proposed again: what was in it, but for what another one proposes that stays open."""
        others = [each.branch for each in self._list_open() if each.branch != request.branch]
        elsewhere = {place for branch in others for place in self._list_places(branch)}
        places = [place for place in self._list_places(request.branch) if place not in elsewhere]
        self.refused |= dict.fromkeys(places, request.number)

    def release(self) -> None:
        name = self.dice.choice(NAMES)
        major, minor, patch = self.versions[name]
        part = self.dice.random()
        if part < 0.1:
            self.versions[name] = (major + 1, 0, 0)
        elif part < 0.4:
            self.versions[name] = (major, minor + 1, 0)
        else:
            self.versions[name] = (major, minor, patch + 1)
        tag = ".".join(map(str, self.versions[name]))
        self.story.push(name, tag)
        self.note(f"released {name} {tag}")

    def merge(self) -> None:
        request = self._pick_open()
        if request is None:
            return
        places = self._list_places(request.branch)
        is_squashed = self.dice.random() < 0.5
        try:
            self.story.forge.merge(request.number, squash=is_squashed)
        except AssertionError:
            return  # it conflicts, and people see that
        self.commits.pop(request.branch, None)
        for place in places:
            self.refused.pop(place, None)
        self.note(f"merged {request.number} {request.branch}{' (squashed)' if is_squashed else ''}")

    def close(self) -> None:
        request = self._pick_open()
        if request is None:
            return
        self._refuse(request)
        self.story.forge.close(request.number)
        self.note(f"closed {request.number} {request.branch}")

    def reopen(self) -> None:
        numbers = sorted(set(self.refused.values()) - {0})
        closed = [n for n in numbers if self.story.forge.merge_requests[n].state == "closed"]
        if not closed:
            return
        number = self.dice.choice(closed)
        try:
            self.story.forge.reopen(number)
        except RefusalError:
            return
        # What stands on its branch by now is proposed in it.
        places = self._list_places(self.story.forge.merge_requests[number].branch)
        self.refused = {place: by for place, by in self.refused.items() if by != number and place not in places}
        self.note(f"reopened {number}")

    def commit_to_a_branch(self) -> None:
        request = self._pick_open()
        if request is not None:
            oid = seed(
                self.story.world.bare, {f"notes/{self.dice.randrange(9)}.md": b"by hand\n"}, branch=request.branch
            )
            self.commits[request.branch] = oid
            self.note(f"a person committed to {request.branch}")

    def take_a_commit_back(self) -> None:
        if self.commits:
            branch = self.dice.choice(sorted(self.commits))
            parent = git(self.story.world.bare, "rev-parse", f"{self.commits.pop(branch)}^").decode().strip()
            theirs = git(self.story.world.bare, "log", "-1", "--format=%an", parent).decode().strip()
            if theirs == "imagebot":
                self.story.world.set_head(branch, parent)
                self.note(f"the person's commit on {branch} was taken back")
            else:
                self.commits[branch] = parent
                self.story.world.set_head(branch, parent)

    def delete_a_branch(self) -> None:
        request = self._pick_open()
        if request is not None:
            self._refuse(request)
            self.commits.pop(request.branch, None)
            git(self.story.world.bare, "update-ref", "-d", f"refs/heads/{request.branch}")
            self.note(f"deleted {request.branch} of {request.number}")

    def edit_a_file(self) -> None:
        """Change what no image is named in: that moves no proposal."""
        path, data = self._pick_file()
        end = b"" if data.endswith(b"\n") else b"\n"
        self.story.commit({path: data + end + b"# checked %d\n" % self.dice.randrange(999)})
        self.note(f"edited {path}")

    def set_a_tag(self) -> None:
        """Write another tag by hand, forwards or backwards; backwards from what was merged, that refuses it."""
        path, data = self._pick_file()
        for image, tag in find_tags(data).items():
            name = image.rpartition("/")[2]
            major, minor, patch = self.versions[name]
            wanted = self.dice.choice(["1.0.0", f"{major}.{minor}.{patch}"])
            if wanted != tag:
                self.story.commit({path: _write(data, image, wanted)})
                self.note(f"wrote {image}:{wanted} in {path}, where {tag} was")

    def add_a_file(self) -> None:
        name, number = self.dice.choice(NAMES), self.dice.randrange(10, 99)
        data = self.dice.choice(_FORMS)(self.story.image(name, "1.0.0"))
        self.story.commit({f"prod/{number}-{name}.yaml": data})
        self.note(f"added prod/{number}-{name}.yaml")

    def remove_a_file(self) -> None:
        if len(self._list_files()) > 4:
            path, _ = self._pick_file()
            self.story.commit({path: None})
            self.note(f"removed {path}")

    def change_the_policy(self) -> None:
        requests, policy = self.dice.choice(GROUPS), self.dice.choice(POLICIES)
        text = f'version: 1\nimages:\n  - {{image: "*", policy: {policy}}}\n'.encode()
        self.story.set_policy(requests, policy=text)
        self.is_broken = False
        self.note(f"policy {policy} {requests}")

    def break_the_policy(self) -> None:
        self.story.commit({".imagebot.yaml": b"version: 1\nimages: [{image: 3}]\n"})
        self.is_broken = True
        self.note("broke the policy file")

    def comment(self) -> None:
        request = self._pick_open()
        if request is not None:
            self.story.forge.comment(request.number, "Is this safe? /merge @alice")

    def write_into_the_text(self) -> None:
        request = self._pick_open()
        if request is not None:
            self.story.forge.edit(request.number, body=f"Tested by me.\n\n{request.body}")
            self.note(f"wrote into {request.number}")

    def _run_with_a_fault(self) -> None:
        """Run while a request to the forge, or a push, fails or is not answered."""
        method = self.dice.choice(["GET", "POST", "PUT", "PATCH"])
        fault = self.dice.choice([Fault(502), Fault(502, is_late=True), Fault(None, is_late=True)])
        nth = self.dice.randrange(1, 4)
        self.story.forge.fail(method, "", fault, nth=nth)
        ran = self.story.run()
        self.story.forgive()
        self.note(f"ran while the {nth}th {method} came to {fault.status}, late {fault.is_late}: {ran.actions()}")

    def _list_files(self) -> dict[str, bytes]:
        files = read_branch(self.story.world.bare)
        return {path: data for path, data in files.items() if path.startswith(("prod/", "test/"))}

    def _pick_file(self) -> tuple[str, bytes]:
        files = self._list_files()
        path = self.dice.choice(sorted(files))
        return path, files[path]


def _write(data: bytes, image: str, tag: str) -> bytes:
    """Put another tag to an image in the lines that name it outside of comments."""
    lines = []
    for line in data.splitlines(keepends=True):
        code, mark, comment = line.partition(b"#")
        lines.append(
            re.sub(rb"%s:[\w.-]+" % re.escape(image.encode()), f"{image}:{tag}".encode(), code) + mark + comment
        )
    return b"".join(lines)


EVENTS: tuple[Callable[[Month], None], ...] = (
    *9 * (Month.release,),
    *4 * (Month.merge,),
    *2 * (Month.close,),
    *2 * (Month.reopen,),
    *2 * (Month.commit_to_a_branch,),
    *2 * (Month.take_a_commit_back,),
    Month.delete_a_branch,
    *2 * (Month.edit_a_file,),
    Month.set_a_tag,
    Month.add_a_file,
    Month.remove_a_file,
    *2 * (Month.change_the_policy,),
    Month.break_the_policy,
    Month.comment,
    Month.write_into_the_text,
)
