import { type EntryId, isEntryId } from '@rejoin/protocol';
import { loadScript, type PartitionKeys, type RedisClient } from '@rejoin/redis';

/** An hour's names expire together. */
const HOUR_MS = 3_600_000;
/** An hour's names are so many texts, of which looking one up reads one. */
const PARTS = 16;
/** Most entries that are found under one name. */
const MOST_FOUND = 20;
/** Texts that one step looks at. */
const TEXTS = 30;

const script = loadScript('find-entries', import.meta.url);

/**
 * A short name of an event id: 53 bits in up to 12 characters (cyrb53). Two ids may share one; whoever looks an event up compares
 * the id that it then reads. No cryptography is needed: an id that is made to collide hides its own event, and only from operators.
 */
function eventName(eventId: string): string {
  let [high, low] = [0xdeadbeef, 0x41c6ce57];
  for (let i = 0; i < eventId.length; i++) {
    const code = eventId.charCodeAt(i);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  // In two parts: the text of a number beyond 32 bits costs a multiple.
  return (high >>> 0).toString(36) + (low & 0x1f_ffff).toString(36);
}

const RECORD_EVENT_ID = /"eventId":("(?:[^"\\]|\\.)*")/;

/** The event id in a dead letter or a parked event; `null` where none can be read. */
export function eventIdInRecord(record: string): string | null {
  const quoted = RECORD_EVENT_ID.exec(record)?.[1];
  if (quoted === undefined) return null;
  return quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
}

/**
 * What fan-out appends to the index, each key with its text: `;<name>=<entry ID>` for every event. A text costs Redis a tenth of
 * the time and a third of the memory that fields of a hash would, and an event is looked up by an operator, once in a while.
 */
export class EventNames {
  readonly #hour = Math.floor(Date.now() / HOUR_MS);
  readonly #texts: (string | undefined)[] = [];

  add(eventId: string, entryId: EntryId): void {
    const name = eventName(eventId);
    const part = partOf(name);
    this.#texts[part] = `${this.#texts[part] ?? ''};${name}=${entryId}`;
  }

  /** @param keys of the partition */
  byKey(keys: PartitionKeys): [key: string, text: string][] {
    return this.#texts.flatMap((text, part) =>
      text === undefined ? [] : [[keys.eventIndex(this.#hour, part), text] as [string, string]],
    );
  }
}

function partOf(name: string): number {
  return name.charCodeAt(name.length - 1) % PARTS;
}

/** The entries under an event id, latest first, as far as the replay window reaches. */
export async function findEntries(
  client: RedisClient,
  keys: PartitionKeys,
  eventId: string,
  windowMs: number,
): Promise<EntryId[]> {
  const name = eventName(eventId);
  // A worker's clock may be a little ahead.
  const latest = Math.floor(Date.now() / HOUR_MS) + 1;
  const hours = Math.ceil(windowMs / HOUR_MS) + 2;
  const texts = Array.from({ length: hours + 1 }, (_, back) => keys.eventIndex(latest - back, partOf(name)));
  const found: string[] = [];
  for (let from = 0; from < texts.length && found.length < MOST_FOUND; from += TEXTS) {
    const reply = await script.run(client, texts.slice(from, from + TEXTS), [`;${name}=`, MOST_FOUND]);
    found.push(...(reply as string[]));
  }
  return [...new Set(found)].filter(isEntryId).slice(0, MOST_FOUND);
}
