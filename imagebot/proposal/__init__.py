"""From what was located and what registries list to what is proposed, and in which words. Pure.

survey.py   which occurrences there are, and which entry governs each
choose.py   which tag each of them should have
plan.py     which occurrences move together, on which branch, by which edits
text.py     title, description and commit message
markup.py   how text from outside becomes text, and nothing else, in Markdown
diff.py     the change as people read it
"""
