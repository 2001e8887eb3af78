"""Which tag an image should have: versions, ranges, variants, selection, and the entries that govern occurrences.

Pure: tags and the tag now written go in, a selection with its reasons comes out.
"""
