"""The command line as a whole: what it loads, and what its exit codes mean."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

import imagebot
from imagebot.demo.loopback import Call, LoopbackServer, Reply
from tests.cli.conftest import POLICY, Run
from tests.servers.gitserver import create_repo, seed

_SLOW = {
    "docker", "gitlab", "pathspec", "pydantic", "re2", "requests", "rich", "ruamel", "sqlalchemy", "structlog",
    "urllib3", "yaml",
}  # fmt: skip


def _list_loaded(*arguments: str | Path) -> set[str]:
    """Run the command in a fresh interpreter, and return the top-level packages it had loaded at its end."""
    program = (
        "import json, sys\n"
        "from imagebot.cli.main import main\n"
        f"sys.argv = ['imagebot', *{[str(each) for each in arguments]!r}]\n"
        "try:\n    main()\nfinally:\n"
        "    sys.stderr.write(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    return set(json.loads(done.stderr.splitlines()[-1]))


def test_the_version_is_shown_and_nothing_slow_is_loaded_for_it(run: Run):
    assert run("--version").stdout == f"imagebot {imagebot.__version__}\n"
    assert _list_loaded("--version") & _SLOW == set()


def test_a_plan_loads_neither_the_store_nor_forges_nor_logs(checkout: Path):
    loaded = _list_loaded("plan", checkout, "--settings", checkout.parent / "settings.yaml")

    assert {"yaml", "pydantic", "urllib3"} <= loaded
    assert loaded & {"sqlalchemy", "gitlab", "structlog", "docker"} == set()


def test_without_a_command_the_help_is_shown_and_the_exit_code_says_usage(run: Run):
    done = run()

    assert done.returncode == 2
    assert all(command in done.stdout + done.stderr for command in ("plan", "once", "demo"))


def test_an_unknown_option_is_a_fault_of_usage(run: Run):
    assert run("plan", "--no-such-option").returncode == 2


def test_faulty_settings_end_with_every_fault_and_exit_code_2(run: Run, tmp_path: Path):
    (tmp_path / "settings.yaml").write_text("timeout: 30\nparallel: 3\n")

    done = run("once")

    assert done.returncode == 2
    assert done.stdout == ""
    assert "settings.yaml:1:10: timeout: found the number 30; accepted is a duration" in done.stderr
    assert "settings.yaml:2:1: parallel: found an unknown key" in done.stderr


def test_a_settings_file_that_is_not_there_is_named(run: Run, tmp_path: Path):
    done = run("once", "--settings", tmp_path / "none.yaml")

    assert done.returncode == 2
    assert "none.yaml" in done.stderr


def test_settings_without_targets_have_nothing_to_do_and_say_so(run: Run, tmp_path: Path):
    (tmp_path / "settings.yaml").write_text("registries: {}\n")

    done = run("once")

    assert done.returncode == 2
    assert "names no targets" in done.stderr


@pytest.fixture
def _interruptible() -> Iterator[None]:
    """Let commands be interrupted though the tests may not be, as those that a shell runs in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_interruptible")
@pytest.mark.parametrize("command", ["plan", "once"])
def test_an_interrupt_ends_at_once_though_a_registry_does_not_answer(checkout: Path, tmp_path: Path, command: str):
    asked, over = Event(), Event()

    def hang(_: Call) -> Reply:
        asked.set()
        over.wait(60)
        return Reply(503)

    with LoopbackServer(hang) as server:
        files = {
            ".imagebot.yaml": POLICY,
            "a.yaml": "".join(f"---\nimage: {server.address}/{n}:1\n" for n in range(99)),
        }
        for name, text in files.items():
            (checkout / name).write_text(text)
        seed(create_repo(tmp_path / "fleet.git"), {name: text.encode() for name, text in files.items()})
        settings = {
            "data_dir": str(tmp_path / "data"),
            "registries": {server.address: {"plain_http": True}},
            "targets": [{"url": f"file://{tmp_path}/fleet.git"}],
        }
        (tmp_path / "settings.yaml").write_text(json.dumps(settings))
        arguments = ["plan", str(checkout)] if command == "plan" else ["once"]
        whole = [sys.executable, "-m", "imagebot", *arguments, "--settings", str(tmp_path / "settings.yaml")]
        env = {**os.environ, "PYTHONFAULTHANDLER": "1"}
        with subprocess.Popen(whole, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env) as process:
            try:
                assert asked.wait(60)
                process.send_signal(signal.SIGINT)
                printed, _ = process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGABRT)  # says where it hangs
                printed, _ = process.communicate(timeout=10)
            finally:
                over.set()
                process.kill()

    assert (process.returncode, printed) == (130, b"")


def test_a_bug_ends_with_its_traceback_and_exit_code_3(checkout: Path, run: Run, tmp_path: Path):
    # A module that cannot be imported stands in for a bug: there is no input that is known to provoke one.
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "yaml.py").write_text("raise RuntimeError('a bug')\n")
    path = str(tmp_path / "broken")

    done = run("plan", checkout, env={"PYTHONPATH": ":".join([path, *sys.path])})

    assert done.returncode == 3
    assert "imagebot has a bug" in done.stderr
    assert "RuntimeError: a bug" in done.stderr


@pytest.mark.parametrize(("which", "title"), [("policy", "The policy file"), ("settings", "The settings")])
def test_schemas_are_printed(run: Run, which: str, title: str):
    ran = run("schema", which)

    assert ran.returncode == 0
    assert json.loads(ran.stdout)["title"] == f"{title} of imagebot"


def test_there_is_no_schema_of_anything_else(run: Run):
    assert run("schema", "world").returncode == 2
