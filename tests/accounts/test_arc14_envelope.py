from base64 import b64decode
from typing import Any

import pytest

from accounts.arc14.verifier import Arc14Policy
from tests.accounts.arc14_headers import (
    ADDRESS,
    GENESIS,
    GOOD,
    GOOD_RAW,
    PUBLIC,
    REALM,
    SIG,
    TXN,
    header,
    pack,
    payment,
    raw_map,
    refusal,
    signature,
    to_header,
    verified,
)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (None, "NO_HEADER"),
        ("", "NO_HEADER"),
        (" ", "BAD_SCHEME"),
        ("SigTx", "BAD_SCHEME"),
        ("sigtx " + GOOD[6:], "BAD_SCHEME"),
        ("SIGTX " + GOOD[6:], "BAD_SCHEME"),
        ("SigTx\t" + GOOD[6:], "BAD_SCHEME"),
        (" " + GOOD, "BAD_SCHEME"),
        (GOOD[6:], "BAD_SCHEME"),
        ("Basic dXNlcjpwYXNz", "BAD_SCHEME"),
        ("Bearer", "BAD_SCHEME"),
        ("Bearer ", "BAD_SCHEME"),
        ("Bearer eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "BAD_SCHEME"),
        ("Bearer Bearer " + GOOD, "BAD_SCHEME"),
        ("Bearer  " + GOOD, "BAD_SCHEME"),
        ("SigTx ", "BAD_LENGTH"),
        ("SigTx " + "A" * 12_289, "BAD_LENGTH"),
        ("SigTx " + "A" * 12_288, "BAD_MSGPACK"),
        ("SigTx  " + GOOD[6:], "BAD_BASE64"),
        (GOOD + " ", "BAD_BASE64"),
        (GOOD + "\n", "BAD_BASE64"),
        (GOOD[:50] + "\r\n " + GOOD[50:], "BAD_BASE64"),
        (GOOD[:50] + "\t" + GOOD[50:], "BAD_BASE64"),
        (GOOD.rstrip("=") if GOOD.endswith("=") else GOOD[:-1], "BAD_BASE64"),
        (GOOD + "=", "BAD_BASE64"),
        (GOOD + "====", "BAD_BASE64"),
        ("SigTx gq==gq==", "BAD_BASE64"),
        ("SigTx gqé=", "BAD_BASE64"),
        ("SigTx \udcff\udcff\udcff\udcff", "BAD_BASE64"),
        ("SigTx gqN-_w==", "BAD_BASE64"),
        ("SigTx =", "BAD_BASE64"),
    ],
)
def test_header_text(text: str | None, code: str) -> None:
    assert refusal(text) == code


def test_padding_is_needed() -> None:
    for length in range(3):
        text = header(payment(note=REALM.encode() + b"x" * length))
        if text.endswith("="):
            assert refusal(text.rstrip("=")) == "BAD_BASE64"
            return
    pytest.fail("no header with padding was built")


def test_unused_bits_of_the_last_character_must_be_zero() -> None:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    policy = Arc14Policy(realms=(REALM, REALM + "x", REALM + "xx"), networks=GENESIS)
    for realm in policy.realms:
        text = header(payment(note=realm.encode()))
        if text.endswith("="):
            body = text.rstrip("=")
            twin = body[:-1] + alphabet[alphabet.index(body[-1]) + 1] + "=" * text.count("=", -2)
            assert b64decode(twin[6:]) == b64decode(text[6:])
            assert verified(text, policy=policy).address == ADDRESS[1]
            assert refusal(twin, policy=policy) == "BAD_BASE64"
            return
    pytest.fail("no header with padding was built")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"\xc1", "BAD_MSGPACK"),
        (GOOD_RAW[:-1], "BAD_MSGPACK"),
        (GOOD_RAW + b"\xc0", "BAD_MSGPACK"),
        (raw_map((b"\xa3sig", SIG), (b"\xa3sig", SIG), (b"\xa3txn", TXN)), "BAD_MSGPACK"),
        (raw_map((b"\xa3sig", SIG), (b"\xa3txn", TXN), (b"\xa3txn", TXN)), "BAD_MSGPACK"),
        (raw_map((b"\xa3sig", SIG), (b"\x01", b"\x01"), (b"\xa3txn", TXN)), "BAD_MSGPACK"),
        (raw_map((b"\xa3sig", SIG), (b"\xc4\x03txn", TXN)), "BAD_MSGPACK"),
        (raw_map((b"\xa3sig", SIG), (b"\x90", b"\x01"), (b"\xa3txn", TXN)), "BAD_MSGPACK"),
        (raw_map((b"\xa3sig", SIG), (b"\xc0", b"\x01"), (b"\xa3txn", TXN)), "BAD_MSGPACK"),
        (raw_map((b"\xa3sig", SIG), (b"\xa1\xff", b"\x01"), (b"\xa3txn", TXN)), "BAD_MSGPACK"),
        (raw_map((b"\xa3sig", SIG), (b"\xa3txn", b"\xd6\xff\0\0\0\0")), "BAD_MSGPACK"),
        (b"\x91" * 5000, "BAD_MSGPACK"),
        (b"\x81\xa1a" * 3000, "BAD_MSGPACK"),
        (b"\xdd\xff\xff\xff\xff", "BAD_MSGPACK"),
        (b"\xdf\xff\xff\xff\xff", "BAD_MSGPACK"),
        (b"\xc6\xff\xff\xff\xff", "BAD_MSGPACK"),
        (pack([]), "NOT_SIGNED_TXN"),
        (pack(None), "NOT_SIGNED_TXN"),
        (pack("txn"), "NOT_SIGNED_TXN"),
        (pack({}), "NOT_SIGNED_TXN"),
        (pack([{"sig": b"", "txn": {}}]), "NOT_SIGNED_TXN"),
        (pack({"sig": signature(payment())}), "NOT_SIGNED_TXN"),
        (raw_map((b"\xa3sig", SIG), (b"\xa3txn", b"\xc0")), "NOT_SIGNED_TXN"),
        (raw_map((b"\xa3sig", SIG), (b"\xa3txn", pack(TXN))), "NOT_SIGNED_TXN"),
        (raw_map((b"\xa3sig", SIG), (b"\xa3txn", pack([payment()]))), "NOT_SIGNED_TXN"),
        (raw_map((b"\xa3sig", SIG), (b"\xa3txn", b"\x80")), "WRONG_TYPE"),
    ],
)
def test_msgpack(raw: bytes, code: str) -> None:
    assert refusal(to_header(raw)) == code


def test_repeated_key_inside_the_payment() -> None:
    txn = pack(payment())
    assert txn[0] == 0x89
    doubled = b"\x8a" + txn[1:] + b"\xa4type\xa3pay"
    assert refusal(to_header(raw_map((b"\xa3sig", SIG), (b"\xa3txn", doubled)))) == "BAD_MSGPACK"


def test_depth_is_limited() -> None:
    deep: Any = 1
    for _ in range(400):
        deep = [deep]
    assert refusal(header(payment(), sig=deep)) == "BAD_MSGPACK"
    assert refusal(header(payment(note=deep), sig=b"s" * 64)) == "BAD_MSGPACK"


@pytest.mark.parametrize(
    ("envelope", "code"),
    [
        ({"lsig": {"l": b"\x06\x81\x01"}, "sig": None}, "UNSUPPORTED_SIGNATURE"),
        ({"lsig": {"l": b"\x06\x81\x01"}, "sig": b"s" * 64}, "UNSUPPORTED_SIGNATURE"),
        ({"pqsig": {"pk": b"p"}, "sig": None}, "UNSUPPORTED_SIGNATURE"),
        ({"lsig": {"l": b"\x01"}, "zz": 1}, "UNSUPPORTED_SIGNATURE"),
        ({"zz": 1}, "UNKNOWN_FIELD"),
        ({"zz": 1, "sig": None}, "UNKNOWN_FIELD"),
        ({"sig": None}, "NO_SIGNATURE"),
        ({"sig": None, "sgnr": PUBLIC[2]}, "NO_SIGNATURE"),
        ({"sig": b"s" * 64, "msig": {"v": 1}}, "MULTIPLE_SIGNATURES"),
    ],
)
def test_signature_kind(envelope: dict[str, Any], code: str) -> None:
    assert refusal(header(payment(), **envelope)) == code
