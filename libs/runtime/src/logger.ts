import { type Logger, pino } from 'pino';

export type { Logger } from 'pino';

/** JSON lines on standard output; `LOG_LEVEL` sets the least level, `info` by default. No payloads, no tokens. */
export function createLogger(name: string): Logger {
  return pino({ name, level: process.env.LOG_LEVEL ?? 'info', timestamp: pino.stdTimeFunctions.isoTime });
}

/** A logger that says nothing, for embedding and tests. */
export function silentLogger(): Logger {
  return pino({ level: 'silent' });
}
