import { readFileSync } from 'node:fs';
import { isEventPattern, MAX_AUDIENCE_TOKENS } from '@rejoin/protocol';
import * as v from 'valibot';
import { InvalidAudienceRulesError } from './errors.ts';
import { parseTokenTemplate, type TokenTemplate } from './token-template.ts';

/** Who shall see the events of a type, where they do not say it themselves. */
export interface AudienceRule {
  /** A type, or the beginning of one followed by `*`. */
  readonly type: string;
  readonly audience: readonly TokenTemplate[];
}

const DocumentSchema = v.strictObject({
  rules: v.array(
    v.strictObject({
      type: v.pipe(
        v.string(),
        v.check((type) => isEventPattern(type), 'must be an event type, or the beginning of one and then *'),
      ),
      audience: v.pipe(
        v.array(v.string()),
        v.minLength(1, 'must name at least one audience token'),
        v.maxLength(MAX_AUDIENCE_TOKENS),
      ),
    }),
  ),
});

/** What holds where no rules are configured. */
export const DEFAULT_AUDIENCE_RULES: readonly AudienceRule[] = parseAudienceRules(
  {
    rules: [
      { type: 'order.*', audience: ['user:{data.customerId}', 'role:staff', 'order:{subject}'] },
      { type: 'notification.*', audience: ['user:{data.userId}'] },
      { type: 'tenant.*', audience: ['tenant'] },
    ],
  },
  'the defaults',
);

/**
 * Checks and prepares rules: `{ "rules": [{ "type": "order.*", "audience": ["user:{data.customerId}"] }] }`. The first
 * that matches an event's type is used.
 * @param origin names their source in an error
 * @throws InvalidAudienceRulesError
 */
export function parseAudienceRules(document: unknown, origin: string): readonly AudienceRule[] {
  const result = v.safeParse(DocumentSchema, document);
  if (!result.success) {
    throw new InvalidAudienceRulesError(
      origin,
      result.issues.map((issue) => `${pathOf(issue.path)} ${lowerFirst(issue.message)}`),
    );
  }
  const problems: string[] = [];
  const rules = result.output.rules.map(({ type, audience }, index) => ({
    type,
    audience: audience.flatMap((text, position): TokenTemplate[] => {
      try {
        return [parseTokenTemplate(text)];
      } catch (error) {
        problems.push(`rules[${index}].audience[${position}] ${(error as Error).message}`);
        return [];
      }
    }),
  }));
  if (problems.length > 0) throw new InvalidAudienceRulesError(origin, problems);
  return rules;
}

/**
 * Reads rules from a JSON file.
 * @throws InvalidAudienceRulesError where the file cannot be read, is not JSON, or holds bad rules
 */
export function loadAudienceRules(path: string): readonly AudienceRule[] {
  let document: unknown;
  try {
    document = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new InvalidAudienceRulesError(path, [(cause as Error).message], { cause });
  }
  return parseAudienceRules(document, path);
}

/** `rules[0].type`, as a reader of the file would write it. */
function pathOf(path: readonly { readonly key: unknown }[] | undefined): string {
  const text = (path ?? []).map(({ key }) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('');
  return text === '' ? 'the document' : text.replace(/^\./, '');
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}
