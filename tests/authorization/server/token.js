// A client that knows the authorization server by its name alone asks for a token (RFC 6749, section 4.4; RFC 8705).
// With "dpop" in the settings the token is bound to a key, and proofs of that key are printed with it (RFC 9449).
import { createHash, randomUUID } from 'node:crypto';

import { SignJWT, exportJWK } from 'jose';
import * as openid from 'openid-client';

import { fetchThroughBalancer, settings } from './wire.js';

const options = { algorithm: 'oauth2', [openid.customFetch]: fetchThroughBalancer };
const server = new URL(settings.issuer);
const client = await openid.discovery(server, settings.client, {}, openid.TlsClientAuth(), options);
const wanted = { scope: 'accounts', resource: settings.api };

if (!settings.dpop) {
  console.log(JSON.stringify(await openid.clientCredentialsGrant(client, wanted)));
} else {
  const pair = await openid.randomDPoPKeyPair('ES256', { extractable: true });
  const handle = openid.getDPoPHandle(client, pair);
  const token = await openid.clientCredentialsGrant(client, wanted, { DPoP: handle });
  const accounts = new URL('/accounts', settings.api);
  const called = await openid.fetchProtectedResource(client, token.access_token, accounts, 'GET', null, undefined, {
    DPoP: handle,
  });
  const other = await openid.randomDPoPKeyPair('ES256', { extractable: true });
  const proof = async (htu, bearer = token.access_token, { publicKey, privateKey } = pair) =>
    new SignJWT({ htm: 'GET', htu, jti: randomUUID(), ath: createHash('sha256').update(bearer).digest('base64url') })
      .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk: await exportJWK(publicKey) })
      .setIssuedAt()
      .sign(privateKey);
  const proofs = {
    'a proof': await proof(accounts.href),
    'a proof for another address': await proof(new URL('/payments', settings.api).href),
    'a proof for another token': await proof(accounts.href, 'another token'),
    'a proof of another key': await proof(accounts.href, token.access_token, other),
  };
  console.log(JSON.stringify({ ...token, called: called.status, proofs }));
}
