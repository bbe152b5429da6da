/** What can be read of an event's JSON, whoever wrote it. */
export interface StoredEvent {
  readonly id: string | null;
  readonly source: string | null;
  readonly type: string | null;
  readonly tenant: string | null;
  readonly subject: string | null;
  readonly time: string | null;
  readonly audience: readonly string[];
  readonly data: unknown;
}

const NOTHING: StoredEvent = {
  id: null,
  source: null,
  type: null,
  tenant: null,
  subject: null,
  time: null,
  audience: [],
  data: undefined,
};

/** Reads as much as there is: what peeking shows may be any bytes, and is never thrown at the reader. */
export function readStoredEvent(json: string | null): StoredEvent {
  const value = json === null ? null : parse(json);
  if (typeof value !== 'object' || value === null) return NOTHING;
  const attributes = value as Record<string, unknown>;
  const text = (name: string): string | null => {
    const attribute = attributes[name];
    return typeof attribute === 'string' ? attribute : null;
  };
  return {
    id: text('id'),
    source: text('source'),
    type: text('type'),
    tenant: text('tenantid'),
    subject: text('subject'),
    time: text('time'),
    audience: (text('audience') ?? '')
      .split(',')
      .map((token) => token.trim())
      .filter((token) => token !== ''),
    data: attributes.data,
  };
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // It will be dead-lettered for that; here it is shown as an entry without attributes.
    return null;
  }
}

/** The value of a stream entry's field, or `null` where it has none of this name. */
export function fieldOf(fields: readonly string[], name: string): string | null {
  for (let i = 0; i + 1 < fields.length; i += 2) if (fields[i] === name) return fields[i + 1] as string;
  return null;
}
