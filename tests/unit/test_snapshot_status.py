"""Channels of the PBX, as `Status` tells them, become the calls that they are."""

from callcenter.asterisk.message import AmiMessage
from callcenter.asterisk.snapshot import VARIABLES, found_calls
from callcenter.asterisk.tracks import Tracks

AT_MS = 1_800_000_060_000


def channel(name: str, uniqueid: str, bridge: str = "", linked: str = "", **variables: str) -> AmiMessage:
    """A Status event as Asterisk 22.10 writes it: a variable that is not set is `(null)`."""
    lines = [f"{one}={variables.get(one, '(null)')}" for one in VARIABLES]
    headers = {
        "Event": "Status",
        "Channel": name,
        "Uniqueid": uniqueid,
        "Linkedid": linked or uniqueid,
        "BridgeID": bridge,
    }
    return AmiMessage({**headers, "Variable": lines[0]}, {"Variable": lines[1:]})


def caller(uniqueid: str, place: str, at: str = "1800000000.000100", bridge: str = "", **more: str) -> AmiMessage:
    own = {"CC_ARRIVED": at, "CC_QUEUED": at, "CC_LINE": "general", "CC_PLACE": place, **more}
    return channel(f"PJSIP/trunk-{uniqueid}", uniqueid, bridge, **own)


def test_caller_in_hold_is_found_at_rest_with_his_own_clock() -> None:
    (found,) = found_calls("pbx1", [caller("s.1", "hold", CC_OFFER="")], AT_MS, Tracks())
    assert (found.place, found.arrived_ms, found.score_ms, found.offer) == (
        "rest",
        1_800_000_000_000,
        1_800_000_000_000,
        None,
    )


def test_caller_in_a_talk_is_found_with_his_leg_and_the_leg_is_no_caller() -> None:
    talk = caller("s.1", "offer", bridge="b1", CC_OFFER="7-1", CC_TARGET="endpoint*1001*7-1*7*20")
    leg = channel("PJSIP/1001-2", "s.2", "b1", "s.1", CC_OFFER="7-1")
    tracks = Tracks()
    (found,) = found_calls("pbx1", [talk, leg], AT_MS, tracks)
    assert (found.place, found.offer, found.number) == ("talk", "7-1", "1001")
    assert tracks.legs["s.2"].offer == "7-1" and tracks.legs["s.2"].talks


def test_caller_whose_phone_rings_is_found_dialled() -> None:
    ringing = caller("s.1", "offer", CC_OFFER="7-1", CC_TARGET="endpoint*1001*7-1*7*20")
    leg = channel("PJSIP/1001-2", "s.2", "", "s.1", CC_OFFER="7-1")
    (found,) = found_calls("pbx1", [leg, ringing], AT_MS, Tracks())
    assert (found.place, found.offer) == ("offer", "7-1")


def test_caller_in_the_queue_with_nobody_ringing_may_be_woken() -> None:
    (found,) = found_calls("pbx1", [caller("s.1", "fallback")], AT_MS, Tracks())
    assert found.place == "fallback"


def test_caller_in_the_queue_with_a_phone_ringing_is_left_alone() -> None:
    leg = channel("PJSIP/1001-2", "s.2", "", "s.1")
    (found,) = found_calls("pbx1", [caller("s.1", "fallback"), leg], AT_MS, Tracks())
    assert found.place == "fallback_ring"


def test_caller_in_the_queue_who_talks_is_found_with_the_phone_he_talks_to() -> None:
    leg = channel("PJSIP/1001-2", "s.2", "b1", "s.1")
    (found,) = found_calls("pbx1", [caller("s.1", "fallback", bridge="b1"), leg], AT_MS, Tracks())
    assert (found.place, found.number) == ("fallback_talk", "1001")


def test_callers_of_one_millisecond_keep_the_order_in_which_asterisk_counted_them() -> None:
    found = found_calls("pbx1", [caller("s.10", "hold"), caller("s.9", "hold")], AT_MS, Tracks())
    assert [one.call.uniqueid for one in found] == ["s.9", "s.10"]
