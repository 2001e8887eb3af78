"""Each kind of error that validation can find, and the sentence that people read instead of pydantic's."""

from collections.abc import Mapping
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, model_validator

from imagebot.settings.fault import FaultyFile
from imagebot.settings.section import MadeFrom, Refused, Section, validate
from imagebot.settings.yaml_source import Document, Mark, Node, read_document


def _refuse_capitals(text: str, _: object) -> str:
    if text != text.lower():
        raise Refused
    return text


Word = Annotated[str, MadeFrom("a word in lower case", _refuse_capitals)]
Count = Annotated[int, MadeFrom("a whole number from 1 to 9", source=Annotated[int, Field(ge=1, le=9)])]


class Wheel(Section):
    size: Count
    name: Word = "round"


class Motor(Section):
    accepted = "a motor"

    kind: Literal["motor"]
    power: Count


class Sail(Section):
    kind: Literal["sail"]

    @model_validator(mode="after")
    def _refuse(self) -> "Sail":
        raise Refused("wind", found="no wind", at=("wind",))


class Vehicle(Section):
    wheels: tuple[Wheel, ...] = Field((), max_length=2)
    by_place: Mapping[Word, Wheel] = Field(default_factory=dict)
    spare: Wheel | None = None
    drive: Annotated[Motor | Sail, Field(discriminator="kind")] | None = None
    motor: Motor | None = None
    names: Annotated[frozenset[str], MadeFrom("names", lambda names, _: frozenset(names), source=tuple[Word, ...])] = (
        frozenset()
    )
    is_red: Annotated[bool, MadeFrom("true or false", source=bool)] = False
    seats: Count = 1
    length_m: Count = Field(1, alias="length")


def list_faults(text: str) -> list[str]:
    try:
        validate(Vehicle, read_document(text.encode(), file="f"), context=None)
    except FaultyFile as error:
        return [str(fault) for fault in error.faults]
    return []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        pytest.param(
            "",
            "f:1:1: found nothing; accepted is a mapping with the keys by_place, drive, is_red, length,"
            " motor, names, seats, spare, wheels",
            id="an empty file",
        ),
        pytest.param(
            "[]",
            "f:1:1: found a list; accepted is a mapping with the keys by_place, drive, is_red, length,"
            " motor, names, seats, spare, wheels",
            id="a list for the whole",
        ),
        pytest.param(
            "seatz: 1",
            "f:1:1: seatz: found an unknown key; accepted is one of the keys by_place, drive,"
            " is_red, length, motor, names, seats, spare, wheels; the nearest is seats",
            id="a key mistyped",
        ),
        pytest.param(
            "spare: {size: 1,\n  zzz: 1}",
            "f:2:3: spare.zzz: found an unknown key; accepted is one of the keys name, size",
            id="a key like none",
        ),
        pytest.param(
            "length_m: 2",
            "f:1:1: length_m: found an unknown key; accepted is one of the keys by_place,"
            " drive, is_red, length, motor, names, seats, spare, wheels; the nearest is length",
            id="the program's name of a key",
        ),
        pytest.param(
            "wheels:\n  - name: a",
            "f:2:5: wheels[0].size: found no such key; accepted is a whole number from 1 to 9",
            id="a missing key points to the mapping that lacks it",
        ),
        pytest.param("wheels: 1", "f:1:9: wheels: found a single value; accepted is a list", id="no list"),
        pytest.param(
            "wheels: [{size: 1}, {size: 1}, {size: 1}]",
            "f:1:9: wheels: found 3 items; accepted is at most 2 of them",
            id="too many",
        ),
        pytest.param(
            "wheels: [a]",
            "f:1:10: wheels[0]: found a single value; accepted is a mapping with the keys name, size",
            id="no mapping in a list",
        ),
        pytest.param(
            "spare: [a]",
            "f:1:8: spare: found a list; accepted is a mapping with the keys name, size",
            id="a list for a mapping",
        ),
        pytest.param(
            "motor: sEcReT",
            "f:1:8: motor: found a single value; accepted is a motor",
            id="a section with a name of its own, and the value is not shown",
        ),
        pytest.param(
            "by_place: []", "f:1:11: by_place: found a list; accepted is a mapping", id="a list for free keys"
        ),
        pytest.param(
            "by_place:\n  Left: {size: 1}",
            "f:2:3: by_place.Left: found 'Left'; accepted is a word in lower case",
            id="a key that is refused",
        ),
        pytest.param(
            "by_place: {left: {size: x}}",
            "f:1:25: by_place.left.size: found 'x'; accepted is a whole number from 1 to 9",
            id="below a free key",
        ),
        pytest.param(
            "by_place: {size: {siz: 1, size: 1}}",
            "f:1:19: by_place.size.siz: found an unknown key; accepted is"
            " one of the keys name, size; the nearest is size",
            id="a free key named like another key",
        ),
        pytest.param("drive: {}", "f:1:8: drive.kind: found no such key; accepted is motor or sail", id="no kind"),
        pytest.param(
            "drive: {kind: wing}", "f:1:15: drive.kind: found 'wing'; accepted is motor or sail", id="an unknown kind"
        ),
        pytest.param(
            "drive: motor",
            "f:1:8: drive: found a single value; accepted is a mapping with kind: motor or sail",
            id="no mapping for a choice of kinds",
        ),
        pytest.param(
            "drive: {kind: motor}",
            "f:1:8: drive.power: found no such key; accepted is a whole number from 1 to 9",
            id="a missing key of a kind",
        ),
        pytest.param(
            "drive: {kind: motor, power: 1, motor: 2}",
            "f:1:32: drive.motor: found an unknown key; accepted is one of the keys kind, power",
            id="an unknown key with the kind's name",
        ),
        pytest.param(
            "drive: {kind: sail}",
            "f:1:8: drive.wind: found no wind; accepted is wind",
            id="a rule between keys, at a key that is not there",
        ),
        pytest.param(
            "names: [a, B]",
            "f:1:12: names[1]: found 'B'; accepted is a word in lower case",
            id="an item of a list that becomes a set",
        ),
        pytest.param("names: a", "f:1:8: names: found a single value; accepted is a list", id="no list for a set"),
        pytest.param(
            "names: [1.10]",
            'f:1:9: names[0]: found the number 1.10; accepted is a word in lower case; put it in quotes: "1.10"',
            id="a number for a text",
        ),
        pytest.param(
            "names: [true]",
            'f:1:9: names[0]: found true; accepted is a word in lower case; put it in quotes: "true"',
            id="a truth value for a text",
        ),
        pytest.param(
            "names: [1E5]",
            "f:1:9: names[0]: found the number 1E5; accepted is a word in lower case",
            id="no advice to quote what would then be refused",
        ),
        pytest.param(
            "names: [~]", "f:1:9: names[0]: found nothing; accepted is a word in lower case", id="nothing for a text"
        ),
        pytest.param(
            "is_red: 'true'", "f:1:9: is_red: found 'true'; accepted is true or false", id="a text for a truth"
        ),
        pytest.param("is_red: yes", "f:1:9: is_red: found 'yes'; accepted is true or false", id="YAML 1.1's yes"),
        pytest.param("is_red: 1", "f:1:9: is_red: found the number 1; accepted is true or false", id="1 for true"),
        pytest.param(
            "seats: '1'", "f:1:8: seats: found '1'; accepted is a whole number from 1 to 9", id="a text for a number"
        ),
        pytest.param(
            "seats: 1.0",
            "f:1:8: seats: found the number 1.0; accepted is a whole number from 1 to 9",
            id="a decimal for a whole number",
        ),
        pytest.param(
            "seats: true", "f:1:8: seats: found true; accepted is a whole number from 1 to 9", id="true for a number"
        ),
        pytest.param(
            "seats: 0", "f:1:8: seats: found the number 0; accepted is a whole number from 1 to 9", id="too small"
        ),
        pytest.param(
            "length: 10",
            "f:1:9: length: found the number 10; accepted is a whole number from 1 to 9",
            id="too large, and the key has the file's name",
        ),
        pytest.param(
            "seats: {a: b}",
            "f:1:8: seats: found a mapping; accepted is a whole number from 1 to 9",
            id="a mapping for a number",
        ),
    ],
)
def test_each_kind_of_error_has_a_sentence_of_its_own(text, fault):
    assert list_faults(text) == [fault]


def test_all_faults_are_found_at_once_with_those_of_the_yaml_and_of_the_rules():
    document = read_document(b"seats: 0\nseats: 1\nspare: 1\nwheels: {}\n", file="f")

    def refuse_spare(root: Node):
        yield Refused("none", found=f"a spare {root.children['spare'].text}", at=("spare",))

    with pytest.raises(FaultyFile) as raised:
        validate(Vehicle, document, context=None, rules=[refuse_spare])

    assert [str(fault) for fault in raised.value.faults] == [
        "f:1:8: seats: found the number 0; accepted is a whole number from 1 to 9",
        "f:2:1: seats: found the key a second time, after line 1; accepted is each key once",
        "f:3:8: spare: found a single value; accepted is a mapping with the keys name, size",
        "f:3:8: spare: found a spare 1; accepted is none",
        "f:4:9: wheels: found a mapping; accepted is a list",
    ]


def test_what_has_no_fault_becomes_a_value():
    text = "wheels: [{size: 2}]\nnames: [a, a]\ndrive: {kind: motor, power: 3}\nspare: null\nlength: 4\n"

    vehicle = validate(Vehicle, read_document(text.encode(), file="f"), context=None)

    assert vehicle.wheels == (Wheel(size=2),)
    assert vehicle.names == {"a"}
    assert vehicle.drive == Motor(kind="motor", power=3)
    assert (vehicle.spare, vehicle.length_m, vehicle.is_red) == (None, 4, False)


_words = st.sampled_from(
    [*Vehicle.fields_by_key(), *Wheel.fields_by_key(), "kind", "power", "motor", "sail", "X", "[key]"]
)
_data = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _words,
    lambda below: st.lists(below, max_size=3).map(tuple) | st.dictionaries(_words, below, max_size=6),
    max_leaves=20,
)


def make_node(data) -> Node:
    mark = Mark(1, 1)
    if isinstance(data, dict):
        children = {key: make_node(value) for key, value in data.items()}
        return Node(mark, data, children=children, keys=dict.fromkeys(data, mark))
    if isinstance(data, tuple):
        return Node(mark, data, children={index: make_node(value) for index, value in enumerate(data)})
    return Node(mark, data, str(data))


@given(st.dictionaries(_words, _data, max_size=6))
def test_no_sentence_of_pydantic_reaches_people(data):
    try:
        validate(Vehicle, Document("f", make_node(data), ()), context=None)
    except FaultyFile as error:
        texts = [f"{fault.found} {fault.accepted}" for fault in error.faults]
    else:
        texts = []

    for text in texts:
        for phrase in ("Input", "Field", "Extra", "valid", "should", "pydantic", "Value error"):
            assert phrase not in text
