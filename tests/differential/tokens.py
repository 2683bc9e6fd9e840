"""What PyJWT says of tokens.

Reads one line of JSON with the settings, then a line for each token; writes null for the settings and for each token that
is accepted, else the refusal.
"""

import datetime
import json
import sys

import jwt
from jwt import api_jwt

settings = json.loads(sys.stdin.readline())
NOW = datetime.datetime.fromtimestamp(settings["now"], datetime.timezone.utc)


class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


api_jwt.datetime = Clock

KEYS = [jwk for jwk in settings["keys"]["keys"] if jwk.get("use", "sig") == "sig"]
CURVES = {"ES256": "P-256", "ES384": "P-384", "EdDSA": "Ed25519"}


def candidates(header):
    """The keys of that `kid`, as PyJWKClient takes them; without one, all of the right type."""
    if header.get("kid") is not None:
        fitting = [jwk for jwk in KEYS if jwk["kid"] == header["kid"]]
    else:
        fitting = [jwk for jwk in KEYS if jwk.get("crv") == CURVES.get(str(header.get("alg")))]
    if not fitting:
        raise jwt.PyJWKClientError("no key")
    return [jwt.PyJWK(jwk).key for jwk in fitting]


def verdict(token):
    try:
        refusal = None
        for key in candidates(jwt.get_unverified_header(token)):
            try:
                jwt.decode(
                    token,
                    key,
                    algorithms=settings["algorithms"],
                    audience=settings["audience"],
                    issuer=settings["issuer"],
                    leeway=settings["skew"],
                    options={"require": ["iss", "aud", "exp"]},
                )
                return None
            except jwt.InvalidSignatureError as wrong:
                refusal = wrong
        return f"{type(refusal).__name__}: {refusal}"
    except Exception as refusal:
        # Not every broken token is refused with an error of PyJWT's own.
        return f"{type(refusal).__name__}: {refusal}"


print("null")
for line in sys.stdin:
    print(json.dumps(verdict(json.loads(line))))
