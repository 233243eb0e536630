"""Makes a consent packet with jwcrypto (Debian: python3-jwcrypto): python3 seal.py GATEWAY KEY CLAIMS

  GATEWAY  the gateway's URL, such as http://127.0.0.1:8080
  KEY      your private signing key: a file with one JWK that has kid and alg; the public half is in your key set
  CLAIMS   a file with the claims but aud, jti, iat, nbf and exp, which belong to this one packet

The packet is one line on standard output.
"""
import json
import secrets
import sys
import time
import urllib.request

from jwcrypto import jwe, jwk, jws

gateway, key_file, claims_file = sys.argv[1:4]


def read_json(file):
    with open(file, encoding="utf-8") as text:
        return json.load(text)


def fetch_json(path):
    with urllib.request.urlopen(gateway + path, timeout=10) as answer:
        return json.load(answer)


metadata = fetch_json("/.well-known/code-exchange")
key_set = fetch_json("/.well-known/jwks.json")
claims = read_json(claims_file)
own = read_json(key_file)

# The newest key for packets of your side stands first.
newest = metadata["packet_keys"][claims["iss"]][0]
recipient = next(key for key in key_set["keys"] if key["kid"] == newest)

now = int(time.time())
claims.update(
    aud=metadata["issuer"],
    jti=secrets.token_urlsafe(16),
    iat=now,
    nbf=now,
    exp=now + metadata["limits"]["packet_life_seconds"],
)

inner = {"alg": own["alg"], "kid": own["kid"], "typ": "consent-packet+jwt"}
signed = jws.JWS(json.dumps(claims, ensure_ascii=False))
signed.add_signature(jwk.JWK(**own), None, json.dumps(inner), None)

outer = {
    "alg": recipient["alg"], "enc": "A256GCM", "kid": recipient["kid"], "typ": "consent-packet+jwe", "cty": "JWT",
}
packet = jwe.JWE(signed.serialize(compact=True), json.dumps(outer), recipient=jwk.JWK(**recipient))
print(packet.serialize(compact=True))
