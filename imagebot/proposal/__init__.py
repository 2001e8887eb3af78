"""From what was located and what registries list to what is proposed, and in which words. Pure.

- survey.py: which occurrences there are, and which entry governs each
- choose.py: which tag each of them should have
- plan.py: which occurrences move together, on which branch, by which edits
- text.py: title and description of the merge request
- block.py: what the merge request tells the next round
- commit.py: the commit message, and what that tells the next round
- markup.py: how text from outside becomes text, and nothing else, in Markdown
- diff.py: the change as people read it
- outcome.py: what came of it
"""
