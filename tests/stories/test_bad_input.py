"""Whatever is wrong is said in a sentence that a person can act on, and everything else is done."""

import pytest

from imagebot.demo.loopback import Reply
from imagebot.demo.push import push_image
from imagebot.demo.registry import LoopbackRegistry
from tests.servers.gitserver import set_hook
from tests.stories.world import BOT, POLICY, World, branch_of, make_pod


def test_a_policy_file_with_three_faults_shows_all_three_with_their_places(world: World, registry: LoopbackRegistry):
    faulty = b'version: 1\nimages:\n  - image: "*"\n    policy: {semver: "~>>1"}\n    fils: ["a"]\n  - image: UPPER/x\n'
    world.commit({".imagebot.yaml": faulty})

    ran = world.run()

    assert ran.exit_code == 1
    places = [line.partition(" ")[0] for line in ran.targets["infra"]["error"].splitlines()]
    assert places == [".imagebot.yaml:4:22:", ".imagebot.yaml:5:5:", ".imagebot.yaml:6:5:"]
    assert world.gitlab.merge_requests == {}


def test_a_policy_file_that_is_not_yaml_is_named_with_the_place(world: World, registry: LoopbackRegistry):
    world.commit({".imagebot.yaml": b"version: 1\nimages: [\n"})

    ran = world.run()

    assert ran.exit_code == 1
    assert ran.targets["infra"]["error"].startswith(".imagebot.yaml:3:1: ")


def test_a_missing_policy_file_is_asked_for(world: World, registry: LoopbackRegistry):
    world.commit({".imagebot.yaml": None})

    ran = world.run()

    assert ran.targets["infra"]["error"] == (
        "main has no .imagebot.yaml: add one that says which images may move, and how far"
    )


def test_a_faulty_target_does_not_hold_up_another(world: World, registry: LoopbackRegistry):
    world.targets.insert(0, {**world.targets[0], "name": "other", "branch": "no-such-branch", "branch_prefix": "b/"})

    ran = world.run()

    assert "no-such-branch" in ran.targets["other"]["error"]
    assert ran.actions() == {branch_of(registry, "acme/good"): "opened"}


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        pytest.param(Reply(404, b'{"errors": [{"code": "NAME_UNKNOWN"}]}'), "knows no such repository", id="404"),
        pytest.param(Reply(401, b"{}", {"WWW-Authenticate": 'Basic realm="x"'}), "login", id="401 without a login"),
        pytest.param(Reply(503, b"down"), "503", id="out of order"),
        pytest.param(Reply(200, b"<html>log in</html>", {"Content-Type": "text/html"}), "HTML", id="HTML"),
        pytest.param(Reply(200, b'{"tags": "none"}', {"Content-Type": "application/json"}), "tags", id="another shape"),
    ],
)
def test_a_repository_that_cannot_be_listed_is_said_and_the_others_are_updated(
    world: World, registry: LoopbackRegistry, reply: Reply, said: str
):
    world.commit({"bad.yaml": make_pod(registry, "acme/bad")})
    registry.fault = lambda _method, target: reply if "acme/bad" in target else None

    ran = world.run()

    assert ran.exit_code == 1
    (name, reason), *others = ran.targets["infra"]["unlisted"].items()
    assert (name, others) == (f"{registry.address}/acme/bad", [])
    assert said in reason
    assert ran.actions() == {branch_of(registry, "acme/good"): "opened"}


def test_a_wrong_password_is_said_to_be_wrong_and_is_not_shown(world: World, registry: LoopbackRegistry):
    with LoopbackRegistry(users={"bot": "right"}) as other:
        login = {"username": "bot", "password": {"env": "REGISTRY_PASSWORD"}}
        world.registries[other.address] = {"plain_http": True, **login}
        world.commit({"bad.yaml": make_pod(other, "acme/bad")})

        ran = world.run()

    reason = ran.targets["infra"]["unlisted"][f"{other.address}/acme/bad"]
    assert "401" in reason
    assert "s3cret" not in reason
    assert ran.actions() == {branch_of(registry, "acme/good"): "opened"}


def test_a_registry_that_is_down_is_named_and_the_others_are_asked(world: World, registry: LoopbackRegistry):
    with LoopbackRegistry() as gone:
        address = gone.address
    world.registries[address] = {"plain_http": True}
    world.commit({"bad.yaml": f"image: {address}/acme/bad:1.0.0\n".encode()})

    ran = world.run()

    assert address in ran.targets["infra"]["unlisted"][f"{address}/acme/bad"]
    assert ran.actions() == {branch_of(registry, "acme/good"): "opened"}


def test_a_merge_request_stays_while_its_registry_is_down(world: World, registry: LoopbackRegistry):
    world.run()
    registry.fault = lambda _method, _target: Reply(503)

    ran = world.run()

    assert ran.actions() == {}
    assert [each.state for each in world.gitlab.project.merge_requests.values()] == ["opened"]


def test_a_refused_push_carries_what_the_server_said(world: World, registry: LoopbackRegistry):
    push_image(registry.address, "acme/fine", "1.0.0")
    push_image(registry.address, "acme/fine", "1.1.0")
    world.commit({"fine.yaml": make_pod(registry, "acme/fine")})
    set_hook(world.bare, "update", '#!/bin/sh\ncase $1 in *good) echo "GitLab: not on a Friday" >&2; exit 1;; esac\n')

    ran = world.run()

    (failed, opened) = sorted(ran.targets["infra"]["results"], key=lambda result: str(result["action"]))
    assert (failed["branch"], failed["action"]) == (branch_of(registry, "acme/good"), "failed")
    assert "GitLab: not on a Friday" in failed["detail"]
    assert (opened["branch"].endswith("acme-fine"), opened["action"]) == (True, "opened")


def test_a_user_who_may_not_push_is_told_so(world: World, registry: LoopbackRegistry):
    world.git.readonly.add(BOT)

    ran = world.run()

    (failed,) = ran.targets["infra"]["results"]
    assert failed["action"] == "failed"
    assert "push" in failed["detail"]


def test_a_file_that_is_not_yaml_is_reported_and_the_others_are_edited(world: World, registry: LoopbackRegistry):
    world.commit({"broken.yaml": b"image: nginx:1.25\nargs: [a\n"})

    ran = world.run()

    assert ran.exit_code == 0
    (unread,) = ran.targets["infra"]["unreadable"]
    assert unread.startswith("broken.yaml:3:")
    assert ran.actions() == {branch_of(registry, "acme/good"): "opened"}


def test_a_template_is_read_and_what_it_fills_in_is_left_alone(world: World, registry: LoopbackRegistry):
    world.commit({"charts/t.yaml": b"{{- if .Values.on }}\nimage: {{ .Values.image }}\n{{- end }}\n"})

    ran = world.run()

    (left,) = ran.targets["infra"]["left_alone"]
    assert left.startswith("charts/t.yaml:2:8: {{ .Values.image }}: it holds the variable")


def test_a_reference_with_a_variable_is_reported_and_left_alone(world: World, registry: LoopbackRegistry):
    text = f"image: {registry.address}/acme/good:${{TAG:-1.0.0}}\n".encode()
    world.commit({"var.yaml": text})

    ran = world.run()

    (left,) = ran.targets["infra"]["left_alone"]
    assert left.startswith("var.yaml:1:8: ")
    assert "variable" in left
    assert world.read(branch_of(registry, "acme/good"))["var.yaml"] == text


def test_an_edit_that_is_not_safe_is_refused_and_the_rest_of_the_image_moves(world: World, registry: LoopbackRegistry):
    # A key without `?` may have 1,024 characters: this one has them, and the new tag is longer by one.
    push_image(registry.address, "acme/good", "1.10.0")
    key = f"{{image: {registry.address}/acme/good:1.0.0, pad: }}"
    unsafe = key.replace("pad: ", "pad: " + "x" * (1024 - len(key))).encode() + b": 1\n"
    world.commit({"unsafe.yaml": unsafe})

    ran = world.run()

    (result,) = ran.targets["infra"]["results"]
    assert (ran.exit_code, result["action"]) == (1, "opened")
    assert result["refused"][0].startswith("unsafe.yaml:1: not edited: the result is no YAML")
    assert world.read(branch_of(registry, "acme/good"))["unsafe.yaml"] == unsafe
    assert world.read(branch_of(registry, "acme/good"))["good.yaml"] == make_pod(registry, "acme/good").replace(
        b"1.0.0", b"1.10.0"
    )


def test_a_user_whom_the_forge_does_not_know_is_named_and_the_merge_request_opened(
    world: World, registry: LoopbackRegistry
):
    world.commit({".imagebot.yaml": POLICY + b"merge_requests: {reviewers: [alice, nobody]}\n"})

    ran = world.run()

    (result,) = ran.targets["infra"]["results"]
    assert result["action"] == "opened"
    assert "nobody" in result["detail"]
    assert "alice" not in result["detail"]
