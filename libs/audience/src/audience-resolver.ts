import {
  type AudienceToken,
  type DomainEvent,
  eventFilter,
  formatAudienceToken,
  MAX_AUDIENCE_TOKENS,
  parseAudience,
} from '@rejoin/protocol';
import { type AudienceResolution, failure } from './resolution.ts';
import { type AudienceRule, DEFAULT_AUDIENCE_RULES } from './rules.ts';

/** Types whose rule is remembered; publishers choose types, so their number needs a bound. */
const MAX_REMEMBERED_TYPES = 1_000;

/** Says who shall see an event: its own `audience`, or what the first rule for its type makes of it. */
export class AudienceResolver {
  readonly #rules: readonly { readonly rule: AudienceRule; matches(type: string): boolean }[];
  readonly #ruleByType = new Map<string, AudienceRule | null>();

  constructor(rules: readonly AudienceRule[] = DEFAULT_AUDIENCE_RULES) {
    this.#rules = rules.map((rule) => ({ rule, matches: eventFilter([rule.type]) }));
  }

  /** Never throws: what cannot be resolved now never can be, and says why. */
  resolve(event: DomainEvent): AudienceResolution {
    return event.audience === undefined ? this.#applyRule(event) : explicitAudience(event.audience);
  }

  #applyRule(event: DomainEvent): AudienceResolution {
    const rule = this.#ruleOf(event.type);
    if (!rule) {
      return failure('NO_AUDIENCE_RULE', `the event names no audience, and no rule matches its type "${event.type}"`);
    }
    const tokens = new Map<string, AudienceToken>();
    for (const template of rule.audience) {
      const filled = template.fill(event);
      if ('ok' in filled) return filled;
      for (const token of filled) tokens.set(formatAudienceToken(token), token);
    }
    if (tokens.size > MAX_AUDIENCE_TOKENS) {
      return failure('AUDIENCE_TOO_LARGE', `the rule for ${rule.type} names more than ${MAX_AUDIENCE_TOKENS} tokens`);
    }
    if (tokens.size === 0) return failure('AUDIENCE_TEMPLATE', `the rule for ${rule.type} names nobody`);
    return { ok: true, tokens: [...tokens.values()] };
  }

  #ruleOf(type: string): AudienceRule | null {
    let rule = this.#ruleByType.get(type);
    if (rule === undefined) {
      rule = this.#rules.find(({ matches }) => matches(type))?.rule ?? null;
      if (this.#ruleByType.size >= MAX_REMEMBERED_TYPES) this.#ruleByType.clear();
      this.#ruleByType.set(type, rule);
    }
    return rule;
  }
}

function explicitAudience(text: string): AudienceResolution {
  const parsed = parseAudience(text);
  if (!parsed.ok) return failure('AUDIENCE_INVALID', `audience ${parsed.problem}`);
  if (parsed.tokens.some((token) => token.kind === 'group')) {
    return failure('GROUP_UNSUPPORTED', 'group audiences are not supported');
  }
  return parsed;
}
