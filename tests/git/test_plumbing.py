"""What git prints, as values; only what no git of ours would print is written down here."""

import pytest

from imagebot.errors import InvalidInput
from imagebot.git.plumbing import Oid, PushStatus, Signature, parse_commit, parse_push

_OID = Oid(40 * "a")


@pytest.mark.parametrize(
    ("line", "status"),
    [
        pytest.param(b" \ta:refs/heads/x\t1..2\n", PushStatus(True, "1..2"), id="fast-forward"),
        pytest.param(
            b"+\ta:refs/heads/x\t1...2 (forced update)\n", PushStatus(True, "1...2 (forced update)"), id="forced"
        ),
        pytest.param(b"*\ta:refs/heads/x\t[new branch]\n", PushStatus(True, "[new branch]"), id="new"),
        pytest.param(b"=\ta:refs/heads/x\t[up to date]\n", PushStatus(True, "[up to date]"), id="there already"),
        pytest.param(b"-\t:refs/heads/x\t[deleted]\n", PushStatus(True, "[deleted]"), id="deleted"),
        pytest.param(
            b"!\ta:refs/heads/x\t[rejected] (stale info)\n", PushStatus(False, "[rejected] (stale info)"), id="stale"
        ),
        pytest.param(b"", None, id="it did not get so far"),
    ],
)
def test_status_of_a_push(line, status):
    assert parse_push(b"To https://git.example.org/acme/infra.git\n" + line + b"Done\n") == status


@pytest.mark.parametrize(
    ("line", "signature"),
    [
        pytest.param(b"A U Thor <a@example.org> 1 +0000", Signature("A U Thor", "a@example.org"), id="the usual"),
        pytest.param(b" <a@example.org> 1 +0000", Signature("", "a@example.org"), id="no name"),
        pytest.param(b"A <> 1 +0000", Signature("A", ""), id="no address"),
        pytest.param(b"J\xf6rg <j@example.org> 1 +0000", Signature("J\ufffdrg", "j@example.org"), id="Latin 1"),
        pytest.param(b"A > B <a<b@example.org> 1 +0000", Signature("A  B", "ab@example.org"), id="stray brackets"),
        pytest.param(b"nobody", Signature("nobody", ""), id="nothing but a name"),
    ],
)
def test_author_that_another_program_wrote(line, signature):
    data = b"tree %s\nauthor %s\ncommitter C <c@example.org> 1 +0000\n\nText\n" % (_OID.encode(), line)

    assert parse_commit(_OID, data).author == signature


def test_headers_of_a_signed_commit_do_not_hide_the_message():
    data = (
        b"tree %(oid)s\nparent %(oid)s\nparent %(oid)s\nauthor A <a@b> 1 +0000\ncommitter C <c@d> 1 +0000\n"
        b"gpgsig -----BEGIN SSH SIGNATURE-----\n abc\n \n author X <x@y> 1 +0000\n\nSubject\n\nauthor of the text\n"
    ) % {b"oid": _OID.encode()}

    commit = parse_commit(_OID, data)

    assert commit.parents == (_OID, _OID)
    assert commit.author == Signature("A", "a@b")
    assert commit.message == "Subject\n\nauthor of the text\n"


@pytest.mark.parametrize("text", ["a\nb", "a<b", "a>b", "a\0b"])
def test_author_of_ours_that_no_commit_can_hold(text):
    with pytest.raises(InvalidInput, match="cannot name the author"):
        Signature(text, "a@example.org")
    with pytest.raises(InvalidInput, match="cannot name the author"):
        Signature("A", text)
