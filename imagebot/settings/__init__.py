"""What people write for imagebot, validated once: the operator's settings and a team's policy file.

    operator.py      `config/imagebot.yaml`: Settings
    policy_file.py   `.imagebot.yaml`: PolicyFile
    section.py       how both are validated, and how each fault becomes a sentence with a position
    yaml_source.py   YAML into plain data with the position of every key and value

Nothing here opens a connection, and nothing here imports the packages that do: they are handed plain values.
"""
