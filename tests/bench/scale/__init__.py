"""How much `imagebot run` can look after: real processes of it, many targets, thousands of repositories.

    python -m tests.bench.scale                                # 20 targets, 200 repositories, each within a minute
    python -m tests.bench.scale --targets 100 --interval 300   # 1,000 repositories, each within five minutes
    python -m tests.bench.scale --targets 1000 --interval 300 --replicas 2 --postgresql
    python -m tests.bench.scale.growth                         # what more of each thing costs: a table and a plot

Registry and git server are `servers.py`, in a process of their own. Whether imagebot keeps up is seen there: by how
long each repository waited from one look to the next.
"""
