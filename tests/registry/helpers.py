"""Credential helpers that a test writes: shell scripts on PATH."""

import json


def answer_with(username: str, secret: str) -> str:
    """Return the shell command that prints a login as helpers do."""
    return "printf '%s' '" + json.dumps({"ServerURL": "", "Username": username, "Secret": secret}) + "'"
