// A directory signs a statement about a software, and the software signs a request to be registered (UK Open Banking
// dynamic client registration 3.3; RFC 7591).
import { randomUUID } from 'node:crypto';

import { SignJWT, importJWK } from 'jose';

import { settings } from './wire.js';

const { directory, software, client, organisation, subject, jwks, issuer } = settings;
const redirects = ['https://tpp.example/callback'];

async function sign(claims, key) {
  const header = { alg: 'PS256', kid: key.kid, typ: 'JWT' };
  return new SignJWT({ ...claims, jti: randomUUID() })
    .setProtectedHeader(header)
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(await importJWK(key, 'PS256'));
}

const statement = (key) =>
  sign(
    {
      iss: 'OpenBanking Ltd',
      software_id: client,
      software_client_name: 'A chain of tests',
      software_jwks_endpoint: jwks,
      software_redirect_uris: redirects,
      software_roles: ['AISP'],
      org_id: organisation,
    },
    key,
  );

const request = async (signer) =>
  sign(
    {
      iss: client,
      aud: issuer,
      software_id: client,
      software_statement: await statement(signer),
      redirect_uris: redirects,
      grant_types: ['client_credentials', 'authorization_code'],
      response_types: ['code'],
      scope: 'accounts',
      application_type: 'web',
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: subject,
      tls_client_certificate_bound_access_tokens: true,
      id_token_signed_response_alg: 'PS256',
      request_object_signing_alg: 'PS256',
    },
    software,
  );

console.log(
  JSON.stringify({
    good: await request(directory),
    stolen: await request(directory),
    // Nobody but the software itself says who it is.
    self_made: await request({ ...software, kid: directory.kid }),
  }),
);
