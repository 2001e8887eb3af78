"""The commands, one module each, and what they show people.

main.py      what each command takes; exit codes
checkout.py  the files of a folder, read and replaced
display.py   tables, diffs and summaries for a terminal or a pipe
"""
