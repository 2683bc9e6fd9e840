// How a client speaks: mutual TLS with the load balancer, which stands for every name, or is asked for nothing.
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { Readable } from 'node:stream';

// balancers: ports by name; authorities, certificate, key: PEM; issuer, api, client: addresses and the client's id.
export const settings = JSON.parse(readFileSync(process.argv[2]));

// Nothing here takes that long, and nobody waits longer.
setTimeout(() => process.exit(3), 30_000).unref();

/** `fetch`, as openid-client wants it, with the client's certificate. */
export function fetchThroughBalancer(address, { method = 'GET', headers, body } = {}) {
  const { hostname, pathname, search } = new URL(address);
  const options = {
    host: 'localhost',
    port: settings.balancers[hostname],
    servername: hostname,
    ca: settings.authorities,
    cert: settings.certificate,
    key: settings.key,
    agent: false,
    method,
    path: pathname + search,
    headers: { ...Object.fromEntries(new Headers(headers)), host: hostname },
  };
  return new Promise((resolve, reject) => {
    const sent = request(options, (received) => {
      const { statusCode: status, headers: fields } = received;
      resolve(new Response(status === 204 ? null : Readable.toWeb(received), { status, headers: fields }));
    });
    sent.on('error', reject).end(body == null ? undefined : String(body));
  });
}
