"""Names of container images: registries, repositories, tags, digests and references.

Values are parsed once and validated by parsing; nothing here opens a connection. The grammar is that of
distribution/reference (https://github.com/distribution/reference), whose normalisation Docker users know.
"""
