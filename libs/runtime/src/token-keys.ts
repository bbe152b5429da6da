import { readFileSync, statSync } from 'node:fs';

/** Longest PEM file that is read, in bytes: a key has a few hundred, a certificate chain a few thousand. */
const MAX_PEM_BYTES = 64 * 1024;

/**
 * A public key in PEM: the text itself, with real line breaks or with `\n` for each, or the path of a file that holds it.
 * Nothing of the value is repeated in an error, for it may be what nobody should see.
 * @throws Error whose message completes "`NAME` …"
 */
export function parsePublicKey(value: string): string {
  const pem = value.includes('-----BEGIN ') ? value.replaceAll(String.raw`\n`, '\n') : readPem(value);
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) throw new Error('must hold a public key, not a private one');
  if (!/-----BEGIN (RSA PUBLIC KEY|PUBLIC KEY|CERTIFICATE)-----/.test(pem)) {
    throw new Error('must be a public key in PEM, or the path of a file that holds one');
  }
  return pem;
}

function readPem(path: string): string {
  let pem: string;
  try {
    const { size } = statSync(path);
    if (size > MAX_PEM_BYTES) throw new Error(`it has ${size} bytes`);
    pem = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    throw new Error(`is neither a PEM text nor the path of a readable file (${code ?? message})`, { cause });
  }
  return pem;
}

/**
 * The address of a key set.
 * @throws Error whose message completes "`NAME` …"
 */
export function parseKeySetUrl(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol !== 'https:' && url?.protocol !== 'http:') throw new Error('must be an https address');
  if (url.username !== '' || url.password !== '') throw new Error('must not hold a user or a password');
  return url.href;
}

/**
 * Whether at most one of the three variables says how tokens are checked: of two, one would be passed over in silence.
 * @returns what is wrong, for an InvalidConfigurationError
 */
export function tokenKeyProblems(keys: {
  readonly secret: string | undefined;
  readonly publicKey: string | undefined;
  readonly jwksUrl: string | undefined;
}): readonly string[] {
  const given = Object.entries({
    JWT_SECRET: keys.secret,
    JWT_PUBLIC_KEY: keys.publicKey,
    JWT_JWKS_URL: keys.jwksUrl,
  }).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (given.length < 2) return [];
  return [`${given.join(' and ')} are set, and only one of them can say how tokens are checked: unset all but one`];
}
