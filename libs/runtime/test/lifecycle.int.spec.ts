import { createServer } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { Lifecycle, ReleaseError, serverUrl, silentLogger, startHealthServer } from '../src/index.ts';

describe('a lifecycle', () => {
  it('releases in reverse order, once, even where one release fails', async () => {
    const lifecycle = new Lifecycle();
    const released: string[] = [];
    lifecycle.onStop('first', () => released.push('first'));
    lifecycle.onStop('broken', () => {
      throw new Error('no');
    });
    lifecycle.onStop('last', async () => released.push('last'));
    await expect(lifecycle.stop()).rejects.toThrow(ReleaseError);
    await expect(lifecycle.stop()).rejects.toThrow(ReleaseError);
    expect(released).toEqual(['last', 'first']);
  });

  it('goes on where a release hangs', async () => {
    const lifecycle = new Lifecycle();
    let released = false;
    lifecycle.onStop('first', () => {
      released = true;
    });
    lifecycle.onStop('hanging', () => new Promise(() => undefined));
    await expect(lifecycle.stop(20)).rejects.toThrow(ReleaseError);
    expect(released).toBe(true);
  });
});

describe('the health server', () => {
  it('says whether the process lives and whether it is ready', async () => {
    let ready = false;
    const server = await startHealthServer(0, () => ({ ready, checks: { redis: { ready } } }));
    try {
      const get = async (path: string) => {
        const response = await fetch(server.url + path);
        return [response.status, await response.json()];
      };
      expect(await get('/health/live')).toEqual([200, { live: true }]);
      expect(await get('/health/ready')).toEqual([503, { ready: false, checks: { redis: { ready: false } } }]);
      ready = true;
      expect(await get('/health/ready?x=1')).toEqual([200, { ready: true, checks: { redis: { ready: true } } }]);
      expect((await get('/'))[0]).toBe(404);
    } finally {
      await server.stop();
    }
  });

  it('refuses a port that is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, resolve));
    const port = Number(new URL(serverUrl(other)).port);
    await expect(startHealthServer(port, () => ({ ready: true, checks: {} }))).rejects.toThrow(/EADDRINUSE/);
    await new Promise((resolve) => other.close(resolve));
    expect(silentLogger().level).toBe('silent');
  });
});
