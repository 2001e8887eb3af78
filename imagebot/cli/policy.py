"""The policy file of a checkout, and the files that it lets be read; nothing is followed that a link leads to."""

import posixpath
from collections.abc import Mapping
from pathlib import Path

from imagebot.cli.checkout import find_work_tree, list_paths, read_file, read_files
from imagebot.errors import InvalidInput
from imagebot.proposal.survey import Unread
from imagebot.settings.policy_file import MissingPolicyFile, PolicyFile, parse_policy_file


def normalise(policy_file: str) -> str:
    """Return the path as files are listed; raises InvalidInput if it does not lie in the folder."""
    if policy_file.startswith("/") or ".." in policy_file.split("/"):
        raise InvalidInput(f"--policy-file is {policy_file!r}; accepted is a path in DIR, without .. in it")
    return posixpath.normpath(policy_file)


def read_policy(directory: Path, policy_file: str) -> PolicyFile:
    """Read the policy file at a path in the folder. Raises InvalidPolicyFile, MissingPolicyFile, InvalidInput."""
    place = directory.resolve()
    try:
        content = read_file(directory, policy_file)
    except (FileNotFoundError, NotADirectoryError):
        root = find_work_tree(directory)
        is_in_root = root is not None and root != place and (root / policy_file).is_file()
        raise MissingPolicyFile(policy_file, str(place), root=str(root) if is_in_root else None) from None
    except OSError as error:
        raise InvalidInput(f"{policy_file} in {place} cannot be read: {error.strerror}") from error
    if isinstance(content, str):
        raise InvalidInput(f"{policy_file} in {place} cannot be read: it is {content}")
    return parse_policy_file(content, file=policy_file)


def read_included(
    directory: Path, policy: PolicyFile, *, policy_file: str
) -> tuple[Mapping[str, bytes], tuple[Unread, ...]]:
    """Read the files that the policy file includes, but for itself; second, those that are not read.

    Raises Unlistable.
    """
    # Patterns are matched against texts: what is not UTF-8 in a path is a `?` there.
    readable = {path: path.encode(errors="replace").decode() for path in list_paths(directory)}
    return read_files(directory, (path for path in readable if policy.includes(readable[path]) and path != policy_file))
