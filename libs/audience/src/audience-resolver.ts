import {
  type AudienceToken,
  type DomainEvent,
  formatAudienceToken,
  MAX_AUDIENCE_TOKENS,
  parseAudience,
  parseRoom,
  roomOf,
} from '@rejoin/protocol';
import type { AudienceExplanation, AudienceSource, Recipient } from './explanation.ts';
import { type ExpandedGroup, expandGroups, isGroup } from './groups/group-expansion.ts';
import type { MembershipDirectory } from './groups/membership-directory.ts';
import { type AudienceFailure, type AudienceResolution, failure } from './resolution.ts';
import { type AudienceRule, DEFAULT_AUDIENCE_RULES } from './rules.ts';
import type { TokenTemplate } from './token-template.ts';
import { AskedResolver, isPromise, type TypeResolver } from './type-resolver.ts';
import { TypeTable } from './type-table.ts';

export interface AudienceResolverOptions {
  /** Asked where no resolver answers; the defaults where absent. */
  readonly rules?: readonly AudienceRule[];
  /** Asked before the rules, the first that matches an event's type. */
  readonly resolvers?: readonly TypeResolver[];
  /** Who is in which group. Without one every group is reached through a room of its own. */
  readonly groups?: MembershipDirectory;
}

/** A token with what named it. */
interface NamedToken {
  readonly token: AudienceToken;
  readonly source: AudienceSource;
}
type Naming = readonly NamedToken[] | AudienceFailure;

/** A rule, each template with how it is named. */
interface NamingRule {
  readonly type: string;
  readonly templates: readonly { readonly template: TokenTemplate; readonly source: AudienceSource }[];
}

/**
 * Says who shall see an event: its own `audience`, else what the resolver for its type answers, else what the first rule for
 * its type makes of it.
 */
export class AudienceResolver {
  readonly #options: AudienceResolverOptions;
  readonly #rules: TypeTable<NamingRule>;
  readonly #resolvers: TypeTable<AskedResolver>;

  constructor(options: AudienceResolverOptions = {}) {
    this.#options = options;
    this.#rules = new TypeTable((options.rules ?? DEFAULT_AUDIENCE_RULES).map(namingRule));
    this.#resolvers = new TypeTable((options.resolvers ?? []).map((resolver) => new AskedResolver(resolver)));
  }

  /** The same resolver, which asks a directory for the members of groups. */
  withGroups(groups: MembershipDirectory): AudienceResolver {
    return new AudienceResolver({ ...this.#options, groups });
  }

  /**
   * Answers at once, without a promise, where attribute or rules alone decide, or where a resolver and the directory answer at
   * once. Never throws or rejects: what cannot be resolved says why, and whether another attempt may succeed.
   * @param signal gives the resolution up
   */
  resolve(event: DomainEvent, signal?: AbortSignal): AudienceResolution | Promise<AudienceResolution> {
    const naming = this.#name(event, signal);
    if (isPromise(naming)) return naming.then((named) => this.#toRooms(event.tenantid, named));
    return this.#toRooms(event.tenantid, naming);
  }

  /** Resolves an event as of now, and says of every room what named it. */
  async explain(event: DomainEvent, signal?: AbortSignal): Promise<AudienceExplanation> {
    const naming = await this.#name(event, signal);
    if ('ok' in naming) return naming;
    const groups = await this.#expand(event.tenantid, naming);
    if ('ok' in groups) return groups;
    const byGroup = new Map(groups.map((group) => [group.group, group]));
    const recipients = naming.flatMap(({ token, source }): Recipient[] => {
      if (!isGroup(token)) {
        return [{ room: roomOf(event.tenantid, token), audience: formatAudienceToken(token), source }];
      }
      const { rooms = [] } = byGroup.get(token.id) ?? {};
      return rooms.map((room) => ({ room, audience: parseRoom(room).token, source, group: token.id }));
    });
    return { ok: true, recipients, groups: groups.map(({ group, size, reachedBy }) => ({ group, size, reachedBy })) };
  }

  #name(event: DomainEvent, signal: AbortSignal | undefined): Naming | Promise<Naming> {
    if (event.audience !== undefined) return explicitAudience(event.audience);
    const resolver = this.#resolvers.find(event.type);
    if (!resolver) return this.#applyRule(event);
    const source: AudienceSource = { kind: 'resolver', resolver: resolver.name };
    const answer = resolver.ask(event, signal);
    const understand = (tokens: Awaited<typeof answer>): Naming => {
      if (tokens === null) return this.#applyRule(event);
      return 'ok' in tokens ? tokens : tokens.map((token) => ({ token, source }));
    };
    return isPromise(answer) ? answer.then(understand) : understand(answer);
  }

  #applyRule(event: DomainEvent): Naming {
    const rule = this.#rules.find(event.type);
    if (!rule) {
      return failure('NO_AUDIENCE_RULE', `the event names no audience, and no rule matches its type "${event.type}"`);
    }
    const tokens = new Map<string, NamedToken>();
    for (const { template, source } of rule.templates) {
      const filled = template.fill(event);
      if ('ok' in filled) return filled;
      for (const token of filled) {
        const text = formatAudienceToken(token);
        if (!tokens.has(text)) tokens.set(text, { token, source });
      }
    }
    if (tokens.size > MAX_AUDIENCE_TOKENS) {
      return failure('AUDIENCE_TOO_LARGE', `the rule for ${rule.type} names more than ${MAX_AUDIENCE_TOKENS} tokens`);
    }
    if (tokens.size === 0) return failure('AUDIENCE_TEMPLATE', `the rule for ${rule.type} names nobody`);
    return [...tokens.values()];
  }

  #toRooms(tenantId: string, naming: Naming): AudienceResolution | Promise<AudienceResolution> {
    if ('ok' in naming) return naming;
    if (!naming.some(({ token }) => isGroup(token))) {
      return { ok: true, rooms: naming.map(({ token }) => roomOf(tenantId, token)) };
    }
    const collect = (groups: readonly ExpandedGroup[] | AudienceFailure): AudienceResolution => {
      if ('ok' in groups) return groups;
      const rooms = new Set<string>();
      for (const { token } of naming) if (!isGroup(token)) rooms.add(roomOf(tenantId, token));
      for (const group of groups) for (const room of group.rooms) rooms.add(room);
      return { ok: true, rooms: [...rooms] };
    };
    const groups = this.#expand(tenantId, naming);
    return isPromise(groups) ? groups.then(collect) : collect(groups);
  }

  #expand(tenantId: string, naming: readonly NamedToken[]): ReturnType<typeof expandGroups> {
    const groups = naming.map(({ token }) => token).filter(isGroup);
    const { groups: directory = UNKNOWN_MEMBERS } = this.#options;
    return expandGroups(tenantId, groups, directory, naming.length - groups.length);
  }
}

const UNKNOWN_MEMBERS: MembershipDirectory = { members: () => ({ size: 0, rooms: null }) };
const ATTRIBUTE: AudienceSource = { kind: 'event' };

function namingRule({ type, audience }: AudienceRule, rule: number): NamingRule {
  const templates = audience.map((template) => {
    const source: AudienceSource = { kind: 'rule', rule, type, template: template.text };
    return { template, source };
  });
  return { type, templates };
}

function explicitAudience(text: string): Naming {
  const parsed = parseAudience(text);
  if (!parsed.ok) return failure('AUDIENCE_INVALID', `audience ${parsed.problem}`);
  return parsed.tokens.map((token) => ({ token, source: ATTRIBUTE }));
}
