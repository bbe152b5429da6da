import { KeySetFetchError } from './errors.ts';

/** Largest answer that is read, in bytes after decompression. Key sets with certificate chains have some ten thousand. */
const MAX_KEY_SET_BYTES = 256 * 1024;

/**
 * Reads a JSON document from a URL, within a time and a size.
 * @param timeoutMs for the whole answer
 * @throws KeySetFetchError
 */
export async function fetchKeySet(url: string, timeoutMs: number): Promise<unknown> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    // Followed redirects would let whoever controls one address choose the keys from another.
    const response = await fetch(url, {
      signal,
      redirect: 'error',
      headers: { accept: 'application/jwk-set+json, application/json' },
    });
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new KeySetFetchError(`the answer has status ${response.status}`);
    }
    return parse(await read(response));
  } catch (cause) {
    if (cause instanceof KeySetFetchError) throw cause;
    if (signal.aborted) throw new KeySetFetchError(`no answer within ${timeoutMs} ms`, { cause });
    throw new KeySetFetchError(reasonOf(cause), { cause });
  }
}

async function read(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop cancels the rest of the answer.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > MAX_KEY_SET_BYTES) throw new KeySetFetchError(`the answer has more than ${MAX_KEY_SET_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new KeySetFetchError('the answer is not JSON', { cause });
  }
}

/** What `fetch` says is "fetch failed"; the reason is its cause. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: Partial<Error> };
  return cause?.message || message;
}
