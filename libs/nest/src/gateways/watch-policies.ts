import { Injectable } from '@nestjs/common';
import type { AudienceToken } from '@rejoin/protocol';
import type { ConnectionPrincipal } from '@rejoin/socketio';

export type WatchPolicy = (principal: ConnectionPrincipal, id: string) => boolean | Promise<boolean>;

/** Who may watch which resource; each feature's gateway registers the policy of its own. What has none may nobody watch. */
@Injectable()
export class WatchPolicies {
  readonly #policies = new Map<string, WatchPolicy>();

  /** @param resource the first part of a resource token, such as `order` of `order:991` */
  register(resource: string, policy: WatchPolicy): void {
    if (this.#policies.has(resource)) throw new Error(`"${resource}" has a watch policy already`);
    this.#policies.set(resource, policy);
  }

  async allows(principal: ConnectionPrincipal, token: AudienceToken & { kind: 'resource' }): Promise<boolean> {
    const policy = this.#policies.get(token.resource);
    return policy === undefined ? false : policy(principal, token.id);
  }
}
