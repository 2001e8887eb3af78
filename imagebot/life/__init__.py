"""The life of a merge request: the steps by which one target's branches and merge requests become what they should be.

- round.py: what every step needs
- memory.py: what was found out before and need not be asked again
- standing.py: what stands on a branch, and whose that is
- history.py: which merge requests there are and were, and what people said no to
- propose.py: one group: from what is wanted to its branch and its merge request
- branch.py: the branch of a group, rewritten only where that is needed
- request.py: the merge request of a group: opened, told anew, left to people
- retire.py: what nothing asks for any more
- wishes.py: what is wanted of all groups together
- checks.py: whether the forge can be worked with at all
- issue.py: the faults of a policy file as an issue
"""
