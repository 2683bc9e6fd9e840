#!/usr/bin/env bash
# Makes what compose.yaml needs in compose/out: an authority, a server and a client certificate, an issuer's key with its
# JWK set, and a token bound to the client certificate. Everything is thrown away with the folder.
set -euo pipefail
cd "$(dirname "$0")"
rm -rf out && mkdir out && cd out
umask 022

base64url() { openssl base64 -A | tr '+/' '-_' | tr -d '='; }
key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

key ca.key
openssl req -x509 -new -key ca.key -subj '/CN=Compose clients' -days 30 -out client-ca.pem \
  -addext 'keyUsage=critical,keyCertSign,cRLSign'

issue() { # name, subject, extensions
  key "$1.key"
  openssl req -new -key "$1.key" -subj "$2" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA client-ca.pem -CAkey ca.key -CAcreateserial -days 30 -out "$1.crt" \
    -extfile <(printf '%b' "$3") 2>/dev/null
}
issue tls /CN=localhost 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth'
issue client /O=TPP/CN=tpp-1 'keyUsage=critical,digitalSignature\nextendedKeyUsage=clientAuth'

# The issuer's key, P-256: the last 64 bytes of the SubjectPublicKeyInfo are x and y.
key issuer.key
openssl ec -in issuer.key -pubout -outform DER -out issuer.pub 2>/dev/null
x=$(tail -c 64 issuer.pub | head -c 32 | base64url)
y=$(tail -c 32 issuer.pub | base64url)
printf '{"keys":[{"kty":"EC","crv":"P-256","use":"sig","alg":"ES256","kid":"compose","x":"%s","y":"%s"}]}\n' "$x" "$y" >jwks.json

# The token. JWS wants r and s as 32 bytes each, OpenSSL writes them as DER integers.
thumbprint=$(openssl x509 -in client.crt -outform DER | openssl dgst -sha256 -binary | base64url)
header=$(printf '{"alg":"ES256","typ":"at+jwt","kid":"compose"}' | base64url)
claims=$(printf '{"iss":"https://as.bank.example","aud":"https://api.bank.example","sub":"tpp-1","client_id":"tpp-1","exp":%d,"cnf":{"x5t#S256":"%s"}}' \
  "$(($(date +%s) + 86400))" "$thumbprint" | base64url)
signature=$(printf '%s.%s' "$header" "$claims" | openssl dgst -sha256 -sign issuer.key |
  openssl asn1parse -inform DER | sed -n 's/.*INTEGER *:\(.*\)/\1/p' |
  while read -r n; do printf '%64s' "$n" | tr ' ' 0; done | tail -c 128 | xxd -r -p | base64url)
printf '%s.%s.%s\n' "$header" "$claims" "$signature" >token
printf '{"access_token":"%s","token_type":"Bearer"}\n' "$(cat token)" >token.json

chmod 644 ./*.key
cat <<'T'
Then, from the top of the repository:
  docker compose -f docker/compose.yaml up --build
  curl --cacert docker/compose/out/client-ca.pem --cert docker/compose/out/client.crt --key docker/compose/out/client.key \
    -H "Authorization: Bearer $(cat docker/compose/out/token)" https://localhost:8443/accounts
T
