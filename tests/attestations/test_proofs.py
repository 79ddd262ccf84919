"""Proof hashes are checked by their type: IPFS, SHA-256, ARC-19; anything else is as it is."""

import hashlib
from base64 import b32encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attestations.proofs import proof_problem
from tests.factories import CID, WALLET

NOT_A_CID = "Not an IPFS CID: neither version 0 (Qm...) nor version 1 in base32 (b...)."
NOT_ITS_HASH = "This IPFS CID does not hold a hash of the length that it says."
NOT_SHA256 = "A SHA-256 hash has 64 hexadecimal digits."
NOT_ARC19 = (
    "An ARC-19 proof is the reserve address (58 characters, valid checksum) or a URL "
    "template-ipfs://{ipfscid:<0 or 1>:<raw or dag-pb>:reserve:sha2-256}."
)
# The same document under both versions, from the text of the CID specification.
CID_V1 = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
DIGEST = hashlib.sha256(b"proof").digest()
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def base58(data: bytes) -> str:
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return text


def cid_v1(data: bytes) -> str:
    return "b" + b32encode(data).decode().lower().rstrip("=")


def multihash(digest: bytes, function: int = 0x12) -> bytes:
    return bytes((function, len(digest))) + digest


@pytest.mark.parametrize("proof_type", ["IPFS", "ipfs", " Ipfs "])
@pytest.mark.parametrize(
    "text",
    [
        CID,
        CID_V1,
        cid_v1(b"\x01\x55" + multihash(DIGEST)),
        cid_v1(b"\x01\x70" + multihash(DIGEST)),
        cid_v1(b"\x01\xa9\x02" + multihash(DIGEST)),  # codec in two bytes
        cid_v1(b"\x01\x55" + multihash(hashlib.sha512(b"proof").digest(), 0x13)),
        cid_v1(b"\x01\x55\xa0\xe4\x02\x20" + hashlib.blake2b(b"p", digest_size=32).digest()),
    ],
)
def test_cid_is_accepted(text: str, proof_type: str) -> None:
    assert proof_problem(text, proof_type) is None


@given(st.binary(min_size=32, max_size=32))
def test_every_cid_of_a_digest_is_accepted(digest: bytes) -> None:
    assert proof_problem(base58(multihash(digest)), "IPFS") is None
    assert proof_problem(cid_v1(b"\x01\x55" + multihash(digest)), "IPFS") is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a3f5", NOT_A_CID),
        ("ipfs://" + CID, NOT_A_CID),
        (CID[:-1], NOT_A_CID),
        (CID + "1", NOT_A_CID),
        (CID[:-1] + "0", NOT_A_CID),  # no digit of base58
        (CID[:-1] + "l", NOT_A_CID),
        ("Qm" + "z" * 44, NOT_ITS_HASH),  # decodes to another length byte
        (CID_V1.upper(), NOT_A_CID),
        ("Z" + CID_V1[1:], NOT_A_CID),
        (CID_V1[:-1], NOT_A_CID),  # not a whole number of bytes
        (CID_V1[:-1] + "j", NOT_A_CID),  # the same bytes, spelled in another way
        (CID_V1 + "=", NOT_A_CID),
        (CID_V1 + "\n", NOT_A_CID),
        ("b", NOT_A_CID),
        ("baa", NOT_A_CID),
        (cid_v1(b"\x00\x55" + multihash(DIGEST)), NOT_A_CID),
        (cid_v1(b"\x02\x55" + multihash(DIGEST)), NOT_A_CID),
        (cid_v1(b"\x81\x00\x55" + multihash(DIGEST)), NOT_A_CID),  # not the shortest varint
        (cid_v1(b"\xff" * 40), NOT_A_CID),  # a varint without an end
        (cid_v1(b"\x01\x55" + multihash(DIGEST)[:-1]), NOT_ITS_HASH),
        (cid_v1(b"\x01\x55" + multihash(DIGEST) + b"\x00"), NOT_ITS_HASH),
        (cid_v1(b"\x01\x55" + multihash(DIGEST[:31])), NOT_ITS_HASH),
        (cid_v1(b"\x01\x55" + multihash(DIGEST, 0x00)), NOT_ITS_HASH),  # identity: no hash
        (cid_v1(b"\x01\x55" + multihash(DIGEST[:19], 0x13)), NOT_ITS_HASH),
        (cid_v1(b"\x01\x55\x13\x81\x01" + b"\x07" * 129), NOT_ITS_HASH),
    ],
)
def test_what_is_no_cid_is_refused(text: str, problem: str) -> None:
    assert proof_problem(text, "IPFS") == problem


def test_cid_v0_of_another_hash_function_is_refused() -> None:
    # The same 34 bytes but for the first; its text no longer starts with Qm.
    assert proof_problem(base58(multihash(DIGEST, 0x13)), "IPFS") == NOT_A_CID


@pytest.mark.parametrize("proof_type", ["SHA-256", "SHA256", "sha256", "sha_256"])
@pytest.mark.parametrize("text", [DIGEST.hex(), DIGEST.hex().upper()])
def test_sha256_is_accepted(text: str, proof_type: str) -> None:
    assert proof_problem(text, proof_type) is None


@pytest.mark.parametrize(
    "text", ["a" * 63, "a" * 65, "g" * 64, "0x" + "a" * 62, "a" * 64 + "\n", CID]
)
def test_what_is_no_sha256_is_refused(text: str) -> None:
    assert proof_problem(text, "SHA-256") == NOT_SHA256


@pytest.mark.parametrize("proof_type", ["ARC19", "ARC-19", "arc19"])
@pytest.mark.parametrize(
    "text",
    [
        WALLET,
        "template-ipfs://{ipfscid:0:dag-pb:reserve:sha2-256}",
        "template-ipfs://{ipfscid:1:raw:reserve:sha2-256}",
        "template-ipfs://{ipfscid:1:dag-pb:reserve:sha2-256}/arc3.json",
        "template-ipfs://{ipfscid:1:raw:reserve:sha2-256}#arc3",
    ],
)
def test_arc19_is_accepted(text: str, proof_type: str) -> None:
    assert proof_problem(text, proof_type) is None


@pytest.mark.parametrize(
    "text",
    [
        WALLET[:-1],
        WALLET[:-1] + "B",
        WALLET.lower(),
        CID,
        "template-ipfs://{ipfscid:0:raw:reserve:sha2-256}",  # version 0 is always dag-pb
        "template-ipfs://{ipfscid:2:raw:reserve:sha2-256}",
        "template-ipfs://{ipfscid:1:raw:manager:sha2-256}",
        "template-ipfs://{ipfscid:1:raw:reserve:sha1}",
        "template-ipfs://{ipfscid:1:raw:reserve:sha2-256} ",
        "template-ipfs://{ipfscid:1:raw:reserve:sha2-256}x",
        "ipfs://{ipfscid:1:raw:reserve:sha2-256}",
    ],
)
def test_what_is_no_arc19_is_refused(text: str) -> None:
    assert proof_problem(text, "ARC19") == NOT_ARC19


@pytest.mark.parametrize("proof_type", ["", "Notary", "SHA-512", "ARC3", "IPFS2"])
@given(text=st.text(max_size=200))
def test_other_types_are_accepted_as_they_are(text: str, proof_type: str) -> None:
    assert proof_problem(text, proof_type) is None


@given(st.text(max_size=200), st.sampled_from(["IPFS", "SHA-256", "ARC19"]))
def test_no_text_breaks_a_check(text: str, proof_type: str) -> None:
    assert proof_problem(text, proof_type) in {
        None,
        NOT_A_CID,
        NOT_ITS_HASH,
        NOT_SHA256,
        NOT_ARC19,
    }
