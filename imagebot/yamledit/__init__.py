"""Finding container images in YAML files, and changing them so that no other byte moves.

Nothing is ever dumped: a file is parsed to learn where its scalars stand, the new text is spliced into the bytes, and
the result is read again to prove that only the intended scalars differ. Which image gets which tag is for others to
decide.

    locate(data)      the occurrences of a file, and what looks like one but is left alone, each with a reason
    make_edits(...)   an occurrence and its new tag and digest, to edits
    rewrite(...)      the bytes with the edits applied, or UnsafeRewrite
"""
