import type { IncomingMessage } from 'node:http';
import proxyAddress from 'proxy-addr';

/**
 * Says from which address a client comes. `X-Forwarded-For` is believed as far as it was written by trusted proxies: the
 * last address in it that is none of theirs is the client's.
 * @param trusted addresses, networks (`10.0.0.0/8`) or the names `loopback`, `linklocal`, `uniquelocal`; none by default
 * @throws TypeError where one of them is none of these
 */
export function clientAddress(trusted: readonly string[] = []): (request: IncomingMessage) => string {
  const trust = proxyAddress.compile([...trusted]);
  return (request) => {
    try {
      return proxyAddress(request, trust);
    } catch {
      // A header that a proxy did not write cannot be taken apart: the peer answers for it.
      return request.socket.remoteAddress ?? 'unknown';
    }
  };
}
