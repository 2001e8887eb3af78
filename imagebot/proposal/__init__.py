"""From what was located and what registries list to what is proposed, and in which words. Pure.

What is proposed:

- survey.py: which occurrences there are, and which entry governs each
- choose.py: which tag each of them should have
- plan.py, group.py: which occurrences move together, on which branch, by which edits
- refusal.py, waver.py: what people said no to, and what is not to be trusted
- request_rules.py, schedule.py, limits.py: how and when the policy file lets it be proposed
- outcome.py: what came of it

In which words:

- moves.py: what the changes come to, as people see it
- text.py, cautions.py, reasons.py, links.py: title and description of the merge request
- team_text.py, template.py, sandbox.py: the same as teams write them
- commit.py: the commit message, and what that tells the next round
- block.py: what the merge request tells the next round
- markup.py: how text from outside becomes text, and nothing else
- diff.py: the change as people read it
"""
