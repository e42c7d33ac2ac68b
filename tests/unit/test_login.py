"""The proof of a PIN, and the lock after five wrong ones."""

from hashlib import sha1

from agents.login import LoginGuard, LoginResult, pin_sha1_of, proof_of

STORED = pin_sha1_of("1001", "482913")


def right(uniqueid: str = "u.1") -> str:
    return proof_of(uniqueid, STORED)


def test_proof_is_sha1_of_uniqueid_and_stored_hash_in_hex() -> None:
    inner = sha1(b"1001:482913").hexdigest()
    assert inner == STORED
    assert right() == sha1(f"u.1:{inner}".encode()).hexdigest()


def test_right_proof_is_ok_upper_case_too() -> None:
    guard = LoginGuard()
    assert guard.verify("1001", STORED, "u.1", right(), 0.0) is LoginResult.OK
    assert guard.verify("1001", STORED.upper(), "u.1", right().upper(), 0.0) is LoginResult.OK


def test_proof_of_another_channel_is_wrong() -> None:
    assert LoginGuard().verify("1001", STORED, "u.2", right("u.1"), 0.0) is LoginResult.WRONG


def test_stranger_is_unknown() -> None:
    assert LoginGuard().verify("9", None, "u.1", "x", 0.0) is LoginResult.UNKNOWN


def test_five_wrong_ones_lock_the_number_for_ten_minutes() -> None:
    guard = LoginGuard()
    for n in range(5):
        assert guard.verify("1001", STORED, "u.1", "错", float(n)) is LoginResult.WRONG
    assert guard.verify("1001", STORED, "u.1", right(), 5.0) is LoginResult.LOCKED
    assert guard.verify("1001", STORED, "u.1", right(), 603.999) is LoginResult.LOCKED
    assert guard.verify("1001", STORED, "u.1", right(), 604.0) is LoginResult.OK


def test_other_numbers_are_not_locked() -> None:
    guard = LoginGuard()
    for n in range(5):
        guard.verify("1001", STORED, "u.1", "", float(n))
    stored = pin_sha1_of("1002", "111111")
    assert guard.verify("1002", stored, "u", proof_of("u", stored), 5.0) is LoginResult.OK


def test_right_one_between_wrong_ones_starts_the_count_again() -> None:
    guard = LoginGuard()
    for n in range(4):
        guard.verify("1001", STORED, "u.1", "", float(n))
    guard.verify("1001", STORED, "u.1", right(), 4.0)
    for n in range(4):
        assert guard.verify("1001", STORED, "u.1", "", 5.0 + n) is LoginResult.WRONG
    assert guard.verify("1001", STORED, "u.1", right(), 9.0) is LoginResult.OK


def test_supervisor_unlocks() -> None:
    guard = LoginGuard()
    for n in range(5):
        guard.verify("1001", STORED, "u.1", "", float(n))
    guard.unlock("1001")
    assert guard.verify("1001", STORED, "u.1", right(), 5.0) is LoginResult.OK
