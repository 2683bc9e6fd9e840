"""What OpenSSL and Python's cryptography say of certificate chains.

Reads lines of JSON {"anchors": [base64 DER], "chain": [base64 DER], "now": seconds}; writes for each a line
[OpenSSL's refusal, cryptography's, cryptography's with a lenient policy], null where it accepts.
"""

import base64
import datetime
import json
import sys
import warnings

from OpenSSL import crypto
from OpenSSL._util import lib
from cryptography import x509
from cryptography.x509 import verification

warnings.simplefilter("ignore")


def openssl(anchors, chain, now):
    """As `openssl verify -partial_chain -purpose sslclient` does."""
    try:
        leaf, *rest = [crypto.load_certificate(crypto.FILETYPE_ASN1, der) for der in chain]
        store = crypto.X509Store()
        for der in anchors:
            store.add_cert(crypto.load_certificate(crypto.FILETYPE_ASN1, der))
        store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
        store.set_time(now)
        lib.X509_STORE_set_purpose(store._store, lib.X509_PURPOSE_SSL_CLIENT)
        crypto.X509StoreContext(store, leaf, chain=rest).verify_certificate()
        return None
    except Exception as refusal:
        return f"{type(refusal).__name__}: {refusal}"


def of_authority(policy, certificate, constraints):
    if not constraints.ca:
        raise ValueError("no authority")


def for_clients(policy, certificate, purposes):
    if purposes is not None and x509.ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        raise ValueError("not for clients")


ANY = verification.Criticality.AGNOSTIC
LENIENT = {
    "ca_policy": verification.ExtensionPolicy.permit_all()
    .require_present(x509.BasicConstraints, ANY, of_authority)
    .may_be_present(x509.ExtendedKeyUsage, ANY, for_clients),
    "ee_policy": verification.ExtensionPolicy.permit_all().may_be_present(x509.ExtendedKeyUsage, ANY, for_clients),
}


def cryptography(anchors, chain, now, policies):
    try:
        leaf, *rest = [x509.load_der_x509_certificate(der) for der in chain]
        store = verification.Store([x509.load_der_x509_certificate(der) for der in anchors])
        builder = verification.PolicyBuilder().store(store).time(now).max_chain_depth(6)
        if policies:
            builder = builder.extension_policies(**policies)
        builder.build_client_verifier().verify(leaf, rest)
        return None
    except BaseException as refusal:
        # A panic of its parser is no Exception; it is a refusal all the same.
        return f"{type(refusal).__name__}: {refusal}"


def both(anchors, chain, now):
    """By its default policy, and by one that asks for no more extensions than RFC 5280 does; that one accepts more."""
    default = cryptography(anchors, chain, now, None)
    return [default, default and cryptography(anchors, chain, now, LENIENT)]


for line in sys.stdin:
    case = json.loads(line)
    anchors, chain = ([base64.b64decode(der) for der in case[part]] for part in ("anchors", "chain"))
    now = datetime.datetime.fromtimestamp(case["now"], datetime.timezone.utc)
    print(json.dumps([openssl(anchors, chain, now), *both(anchors, chain, now)]))
