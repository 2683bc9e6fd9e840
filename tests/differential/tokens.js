// What jose says of tokens; reads and writes the same as tokens.py.
const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { pathToFileURL } = require('node:url');

const installed = createRequire(`${__dirname}/../authorization/server/package.json`).resolve('jose');

async function main() {
  const { createLocalJWKSet, jwtVerify } = await import(pathToFileURL(installed));
  const [settings, ...tokens] = readFileSync(0, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line));
  const keys = createLocalJWKSet(settings.keys);
  const options = {
    algorithms: settings.algorithms,
    audience: settings.audience,
    issuer: settings.issuer,
    clockTolerance: settings.skew,
    currentDate: new Date(settings.now * 1000),
    requiredClaims: ['iss', 'aud', 'exp'],
  };
  console.log('null');
  for (const token of tokens) {
    const verdict = await jwtVerify(token, keys, options).then(() => null, (refusal) => `${refusal.name}: ${refusal.message}`);
    console.log(JSON.stringify(verdict));
  }
}

main();
