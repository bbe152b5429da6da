import { eventFilter } from '@rejoin/protocol';

/** Types whose entry is remembered; publishers choose types, so their number needs a bound. */
const MAX_REMEMBERED_TYPES = 1_000;

/** Finds the first of several values that is for an event's type. */
export class TypeTable<Value extends { readonly type: string }> {
  readonly #entries: readonly { readonly value: Value; matches(type: string): boolean }[];
  readonly #byType = new Map<string, Value | null>();

  constructor(values: readonly Value[]) {
    this.#entries = values.map((value) => ({ value, matches: eventFilter([value.type]) }));
  }

  find(type: string): Value | null {
    let found = this.#byType.get(type);
    if (found === undefined) {
      found = this.#entries.find(({ matches }) => matches(type))?.value ?? null;
      if (this.#byType.size >= MAX_REMEMBERED_TYPES) this.#byType.clear();
      this.#byType.set(type, found);
    }
    return found;
  }
}
