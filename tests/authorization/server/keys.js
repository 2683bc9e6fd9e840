// Key pairs for a directory and for a software that it lists, as JWK.
import { exportJWK, generateKeyPair } from 'jose';

async function pair(kid) {
  const { publicKey, privateKey } = await generateKeyPair('PS256', { extractable: true });
  const named = async (key) => ({ ...(await exportJWK(key)), kid, alg: 'PS256', use: 'sig' });
  return { private: await named(privateKey), public: { keys: [await named(publicKey)] } };
}

console.log(JSON.stringify({ directory: await pair('directory'), software: await pair('software') }));
