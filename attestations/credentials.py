"""W3C Verifiable Credentials 2.0 of attestations, and their Bitstring status lists. Pure.

The issuer is the `did:key` of the key that signs: whoever has the credential verifies it offline,
by the Data Integrity suite `eddsa-jcs-2022`, and whether the key is ours say the published keys
(`/.well-known/assayer-keys.json`). A credential holds references and hashes, no free text.
"""

import gzip
from base64 import urlsafe_b64encode
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from audit.body import canonical
from audit.signing import PublicKey, base58btc

CONTEXT = "https://www.w3.org/ns/credentials/v2"
# Gives the members that no context defines a meaning, as the specification asks.
UNDEFINED_TERMS = "https://www.w3.org/ns/credentials/undefined-terms/v2"
CREDENTIAL_TYPE = "AssayerAttestationCredential"
LIST_SIZE = 131_072  # the least that the specification allows: a list must not tell who asks

Sign = Callable[[bytes], bytes]


def credential(
    *,
    attestation_id: str,
    subject: Mapping[str, Any],
    valid_from: datetime,
    valid_until: datetime | None,
    status_list: str,
    status_index: int,
) -> dict[str, Any]:
    """Return the unsigned credential of a Verified attestation, without its issuer."""
    document: dict[str, Any] = {
        "@context": [CONTEXT, UNDEFINED_TERMS],
        "id": f"urn:uuid:{attestation_id}",
        "type": ["VerifiableCredential", CREDENTIAL_TYPE],
        "validFrom": second(valid_from),
        "credentialSubject": subject,
        "credentialStatus": {
            "id": f"{status_list}#{status_index}",
            "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation",
            "statusListIndex": str(status_index),
            "statusListCredential": status_list,
        },
    }
    if valid_until is not None:
        document["validUntil"] = second(valid_until)
    return document


def status_list_credential(
    *, url: str, revoked: Collection[int], changed_at: datetime | None
) -> dict[str, Any]:
    """Return the unsigned status list at `url`, in which the bits of `revoked` are set."""
    document: dict[str, Any] = {
        "@context": [CONTEXT],
        "id": url,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "credentialSubject": {
            "id": f"{url}#list",
            "type": "BitstringStatusList",
            "statusPurpose": "revocation",
            "encodedList": encoded_list(revoked),
        },
    }
    if changed_at is not None:
        document["validFrom"] = second(changed_at)
    return document


def encoded_list(revoked: Collection[int]) -> str:
    """Return the multibase base64url of the compressed bits; index 0 is the leftmost bit."""
    bits = bytearray(LIST_SIZE // 8)
    for index in revoked:
        bits[index // 8] |= 0x80 >> index % 8
    packed = gzip.compress(bytes(bits), mtime=0)
    return "u" + urlsafe_b64encode(packed).rstrip(b"=").decode()


def secured(
    document: Mapping[str, Any], *, key: PublicKey, created: datetime | None, sign: Sign
) -> dict[str, Any]:
    """Return the credential with its issuer and its proof (vc-di-eddsa, eddsa-jcs-2022).

    `created` is the moment of the event that the document speaks of, so the same facts give the
    same bytes; a proof is never older than its key.
    """
    unsecured = {"issuer": key.did, **document}
    options = {
        "@context": unsecured["@context"],
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": key.verification_method,
        "proofPurpose": "assertionMethod",
    }
    if moments := [one for one in (created, key.since) if one is not None]:
        options["created"] = second(max(moments))
    message = sha256(canonical(options)).digest() + sha256(canonical(unsecured)).digest()
    return {**unsecured, "proof": {**options, "proofValue": base58btc(sign(message))}}


def second(moment: datetime) -> str:
    """Return `moment` as an XML Schema dateTimeStamp in whole seconds of UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
