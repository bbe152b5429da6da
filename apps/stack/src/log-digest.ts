/** pino's numbers, see https://github.com/pinojs/pino/blob/main/docs/api.md#logger-level. */
const WARN_LEVEL = 40;
const ERROR_LEVEL = 50;

export interface Notice {
  readonly severity: 'warning' | 'error';
  readonly message: string;
  /** How many like it came since the last that was shown. */
  readonly repeated: number;
}

/**
 * Picks from a program's output what somebody at the terminal should see: warnings and errors, and whatever it writes to standard
 * error. The same message is shown once in `quietMs` (10 s by default), and of all at most `maxNotices` (10) in that time.
 */
export class LogDigest {
  readonly #quietMs: number;
  readonly #maxNotices: number;
  readonly #onNotice: (notice: Notice) => void;
  readonly #shown = new Map<string, { readonly at: number; repeated: number }>();

  constructor(onNotice: (notice: Notice) => void, quietMs = 10_000, maxNotices = 10) {
    this.#onNotice = onNotice;
    this.#quietMs = quietMs;
    this.#maxNotices = maxNotices;
  }

  add(line: string, stream: 'stdout' | 'stderr', now = performance.now()): void {
    const notice = stream === 'stderr' ? { severity: 'warning' as const, message: line } : noticeOf(line);
    if (!notice || notice.message.trim() === '') return;
    let repeated = 0;
    for (const [message, { at, repeated: count }] of this.#shown) {
      if (now - at < this.#quietMs) continue;
      if (message === notice.message) repeated = count;
      this.#shown.delete(message);
    }
    const shown = this.#shown.get(notice.message);
    if (shown) shown.repeated += 1;
    else if (this.#shown.size < this.#maxNotices) {
      this.#shown.set(notice.message, { at: now, repeated: 0 });
      this.#onNotice({ ...notice, repeated });
    }
  }
}

function noticeOf(line: string): Omit<Notice, 'repeated'> | null {
  if (!line.startsWith('{')) return null;
  let entry: { level?: unknown; msg?: unknown; err?: { message?: unknown } };
  try {
    entry = JSON.parse(line) as typeof entry;
  } catch {
    // No log line of ours; the log file has it.
    return null;
  }
  const level = Number(entry.level);
  if (!(level >= WARN_LEVEL)) return null;
  const parts = [entry.msg, entry.err?.message].filter(
    (part): part is string => typeof part === 'string' && part !== '',
  );
  return { severity: level >= ERROR_LEVEL ? 'error' : 'warning', message: [...new Set(parts)].join(': ') };
}
