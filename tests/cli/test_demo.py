"""`imagebot demo`: the whole loop, with nothing else installed."""

import re

from tests.cli.conftest import Run


def test_the_demo_shows_the_loop_from_the_tags_to_the_branch_that_moves(run: Run):
    done = run("demo")

    shown = re.sub(r"127\.0\.0\.1[:_][0-9]+", "REG", done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    for text in (
        "REG/shop/api       1.4.0  1.4.1  1.4.2  1.5.0-rc.1  2.0.0  main-5badb8c  latest",
        "outside the range: 2.0.0; a prerelease: 1.5.0-rc.1;",
        "left alone: apps/search/helmrelease.yaml:14:14:",
        "opened     Update REG/shop/api to 1.4.2",
        "+                image: REG/shop/api:1.4.2   # rolled out on Monday",
        '+  image: {repository: REG/tools/metrics, tag: "1.10", pullPolicy: IfNotPresent}',
        "moved      Update REG/shop/api to 1.4.3",
        "unchanged  Update REG/tools/search from 8.0.1 to 8.0.2",
        "imagebot plan path/to/checkout",
    ):
        assert text in shown
    assert "warning" not in shown.lower()


def test_the_demo_of_a_pipe_has_no_escape_sequences(run: Run):
    assert "\x1b" not in run("demo").stdout
