import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Cluster, Redis } from 'ioredis';

export type RedisClient = Redis | Cluster;
type Argument = string | number | Buffer;

/** A Lua script that Redis runs as one atomic step. */
export interface Script {
  readonly name: string;
  /** Runs it by its digest; sends its source where this server has not seen it yet. */
  run(client: RedisClient, keys: readonly string[], args: readonly Argument[]): Promise<unknown>;
  /** The same, with every string of the reply as the bytes that Redis holds. */
  runBuffer(client: RedisClient, keys: readonly string[], args: readonly Argument[]): Promise<unknown>;
}

/** A line in a script that stands for a fragment of this folder, or with `./` for one of the script's: `-- @include streams`. */
const INCLUDE = /^-- @include (\.\/)?([a-z-]+)$/gm;

/**
 * Loads `<name>.lua` from the folder of the calling module, with the fragments that it includes.
 * @param moduleUrl the caller's `import.meta.url`
 */
export function loadScript(name: string, moduleUrl: string): Script {
  const source = readLua(name, moduleUrl).replace(INCLUDE, (_, beside: string | undefined, fragment: string) =>
    readLua(fragment, beside ? moduleUrl : import.meta.url),
  );
  const digest = createHash('sha1').update(source).digest('hex');
  const runWith =
    (call: 'call' | 'callBuffer'): Script['run'] =>
    async (client, keys, args) => {
      const rest = [keys.length, ...keys, ...args];
      try {
        return await client[call]('EVALSHA', digest, ...rest);
      } catch (error) {
        if (!isNoScript(error)) throw error;
        return client[call]('EVAL', source, ...rest);
      }
    };
  return { name, run: runWith('call'), runBuffer: runWith('callBuffer') };
}

function isNoScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

function readLua(name: string, moduleUrl: string): string {
  return readFileSync(new URL(`${name}.lua`, moduleUrl), 'utf8');
}
