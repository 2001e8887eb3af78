"""What was kept by another build of imagebot is told by its fingerprint."""

import shutil
from pathlib import Path

import pytest

import imagebot
from imagebot.store.build import fingerprint_build

PACKAGE = Path(imagebot.__file__).parent


@pytest.fixture
def package(tmp_path: Path) -> Path:
    return shutil.copytree(PACKAGE, tmp_path / "imagebot", ignore=shutil.ignore_patterns("__pycache__"))


def test_a_copy_of_the_code_is_the_same_build(package):
    assert fingerprint_build(package) == fingerprint_build()


@pytest.mark.parametrize(
    "module", ["image/reference.py", "policy/entry.py", "yamledit/kinds_argo.py", "proposal/survey.py"]
)
def test_any_other_line_of_what_locates_and_governs_makes_another_build(package, module):
    with package.joinpath(module).open("a") as file:
        file.write("# changed\n")

    assert fingerprint_build(package) != fingerprint_build()


def test_a_module_more_makes_another_build(package):
    package.joinpath("yamledit/kinds_helm.py").touch()

    assert fingerprint_build(package) != fingerprint_build()
