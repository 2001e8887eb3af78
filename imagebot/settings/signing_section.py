"""The key that signs commits, in the operator's settings."""

from typing import Literal

from imagebot.settings.secret_source import FilePath
from imagebot.settings.section import Section


class SshSigning(Section):
    """A private key of SSH, without a passphrase."""

    kind: Literal["ssh"]
    key_file: FilePath


class GpgSigning(Section):
    """A private key of GPG, as `gpg --export-secret-keys` writes it, without a passphrase."""

    kind: Literal["gpg"]
    key_file: FilePath
