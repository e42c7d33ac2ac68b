"""A record survives its line of JSON exactly; anything else is refused with a reason."""

import json
from enum import Enum

import pytest
from hypothesis import given

from acd.names import CallId, EndedBy, Outcome
from acd.records import CallClosed, CallOpened, OfferMade, PassedOver, Record
from callcenter.storage.codec import RECORD_TYPES, decode, encode
from callcenter.storage.errors import BadRecord
from tests.unit.storage.records_drawn import records

CALL = CallId("pbx-1", "1.1")


@given(records)
def test_any_record_encoded_and_decoded_is_the_same(record: Record) -> None:
    line = encode(record)
    assert line.count(b"\n") == 1 and line.isascii()
    again = decode(line)
    assert again == record
    for name in type(record).__slots__:
        value = getattr(again, name)
        assert type(value) is type(getattr(record, name))
        assert not isinstance(value, Enum) or value is getattr(record, name)


def test_named_tuples_and_nested_records_come_back_as_themselves() -> None:
    made = OfferMade(CALL, "1-1", 1, 5, "1001", "seat", "d", "l", 0, "n", "s", 3, 2, (PassedOver("1002", "busy"),))
    again = decode(encode(made))
    assert isinstance(again, OfferMade)
    assert isinstance(again.call, CallId) and isinstance(again.passed_over[0], PassedOver)


def test_every_record_type_is_known_by_its_name() -> None:
    assert len(RECORD_TYPES) == 25 and RECORD_TYPES["CallOpened"] is CallOpened


def test_line_of_an_older_version_takes_defaults_and_unknown_fields_are_skipped() -> None:
    body = json.loads(encode(CallOpened(CALL, 5, "l", "d", "n", "m", "s", False, "p")))
    for newer in ("direction", "agent", "found"):
        del body[newer]
    body["of_another_version"] = 1
    again = decode(json.dumps(body).encode())
    assert isinstance(again, CallOpened) and again.direction == "inbound"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"\0\0\0\n", "JSONDecodeError"),
        (b"\xff\n", "UnicodeDecodeError"),
        (b"[]\n", "TypeError"),
        (b'{"r":"Gone"}\n', "Gone"),
        (b'{"r":"CallInMenu","at_ms":1}\n', "CallInMenu lacks call"),
        (encode(CallClosed(CALL, 1, EndedBy.CALLER, Outcome.FAILED, "")).replace(b"failed", b"fa1led"), "fa1led"),
    ],
)
def test_line_that_is_no_record_is_refused_with_its_reason(line: bytes, reason: str) -> None:
    with pytest.raises(BadRecord, match=reason) as caught:
        decode(line)
    assert caught.value.line == line
