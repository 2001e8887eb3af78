"""Container registries: the tags of a repository, the digests that they stand for, and what images these are.

`client.py` is the door: `Registries` speaks the OCI distribution API to every host. What it decides is in pure modules:
`page.py` reads one page of a tag list, `challenge.py`, `access.py` and `token.py` get us in, `host.py` knows where a
login may go. `transport.py` sends requests: `pace.py` says when, by what `limits.py` reads of the host's own limits,
`breaker.py` leaves a host alone that fails, `connections.py`, `tls.py`, `proxy.py` and `watch.py` open the connections,
and `lanes.py` has the threads. `mirrors.py` asks elsewhere first. `logins.py` chooses the login for a repository: one
of the settings (`given_login.py`), of a cloud (`cloud.py`), of a file (`docker_config.py`) or of a program
(`helper.py`).

What a registry says is untrusted: every read has a limit, every exchange a deadline, a next page and a redirect stay on
their host (but for a blob, which may be anywhere public), manifests and blobs are hashed, and a login goes nowhere but
where the settings, or a small table, let it. Nothing here decides what becomes of the tags, and nothing is logged but
that a mirror was passed over.
"""
