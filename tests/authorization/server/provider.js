// The bank's authorization server: oidc-provider, as one would set it up behind certbound.
// What it knows of a client's certificate is what certbound has written into the headers, and nothing else.
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import { decodeJwt, exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

// issuer, api: addresses; clients: who they are, and what their tokens are like; secret: the API's, for introspection.
const settings = JSON.parse(readFileSync(process.argv[2]));

const header = (ctx, name) => ctx.get(name) || undefined;
const certificate = (ctx) => {
  const text = header(ctx, 'x-ssl-client-cert');
  return text && new X509Certificate(decodeURIComponent(text));
};

function client({ id, subject, binding }) {
  return {
    client_id: id,
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: subject,
    tls_client_certificate_bound_access_tokens: binding === 'certificate',
    dpop_bound_access_tokens: binding === 'key',
    grant_types: ['client_credentials', 'authorization_code'],
    response_types: ['code'],
    redirect_uris: ['https://tpp.example/callback'],
    scope: 'accounts',
  };
}

function configuration(keys) {
  const formats = Object.fromEntries(settings.clients.map(({ id, format }) => [id, format]));
  return {
    clients: [
      ...settings.clients.map(client),
      { client_id: 'rs', client_secret: settings.secret, grant_types: [], response_types: [], redirect_uris: [] },
    ],
    clientDefaults: { id_token_signed_response_alg: 'PS256' },
    clientAuthMethods: ['tls_client_auth', 'client_secret_basic'],
    scopes: ['accounts'],
    jwks: { keys },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      dPoP: { enabled: true },
      pushedAuthorizationRequests: { enabled: true },
      registration: { enabled: true, initialAccessToken: false },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        getCertificate: certificate,
        // certbound hands on no certificate but those that it has verified.
        certificateAuthorized: (ctx) => certificate(ctx) !== undefined,
        certificateSubjectMatches: (ctx, property, registered) =>
          property === 'tls_client_auth_subject_dn' && header(ctx, 'x-client-subject') === registered,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => settings.api,
        useGrantedResource: () => true,
        getResourceServerInfo: (ctx, resource, { clientId }) => ({
          scope: 'accounts',
          audience: settings.api,
          accessTokenTTL: 300,
          accessTokenFormat: formats[clientId] ?? 'jwt',
          jwt: { sign: { alg: 'PS256' } },
        }),
      },
    },
  };
}

// UK Open Banking registers by a signed request; certbound has verified it and passes it on as it came.
async function unpackRegistration(ctx, next) {
  if (ctx.is('application/jwt') || ctx.is('application/jose')) {
    let text = '';
    for await (const piece of ctx.req) text += piece;
    const { iss, aud, iat, exp, jti, software_statement: statement, software_id: software, ...metadata } = decodeJwt(text);
    ctx.req.headers['content-type'] = 'application/json';
    ctx.req.body = metadata;
  }
  await next();
}

let generation = 0;
async function signingKey() {
  const { privateKey } = await generateKeyPair('PS256', { extractable: true });
  generation += 1;
  return { ...(await exportJWK(privateKey)), kid: `key-${generation}`, alg: 'PS256', use: 'sig' };
}

// The first key signs; the one before stays for the tokens that are under way.
const keys = [];
let answer;
async function rotate() {
  keys.unshift(await signingKey());
  keys.splice(2);
  const provider = new Provider(settings.issuer, configuration(keys));
  provider.proxy = true;
  provider.use(unpackRegistration);
  provider.on('server_error', (ctx, error) => console.error(error));
  provider.on('grant.error', (ctx, error) => console.error(error.error, error.error_description, error.error_detail));
  answer = provider.callback();
}

// How often each endpoint was asked. The two addresses below are for the tests, which come past certbound.
const seen = {};
async function attend(request, response) {
  const asked = `${request.method} ${new URL(request.url, settings.issuer).pathname}`;
  switch (asked) {
    case 'GET /seen':
      return response.setHeader('content-type', 'application/json').end(JSON.stringify(seen));
    case 'POST /rotate':
      await rotate();
      return response.writeHead(204).end();
    default:
      seen[asked] = (seen[asked] ?? 0) + 1;
      return answer(request, response);
  }
}

await rotate();
const server = createServer(attend);
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
