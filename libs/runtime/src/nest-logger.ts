import type { Logger } from './logger.ts';

type Say = (message: unknown, ...rest: unknown[]) => void;

/** What Nest asks of a logger; its `LoggerService`. */
interface NestLogger {
  readonly log: Say;
  readonly warn: Say;
  readonly error: Say;
}

/** Nest's warnings and errors as JSON lines among the others; what it says of a start that goes well is nobody's concern. */
export function nestLogger(logger: Logger): NestLogger {
  const say =
    (level: 'warn' | 'error' | 'debug'): Say =>
    (message, ...rest) => {
      // A stack may come first; the last is the name of what speaks.
      const context = rest.at(-1);
      if (message instanceof Error) logger[level]({ err: message, context }, message.message);
      else logger[level]({ context, ...(rest.length > 1 ? { stack: rest[0] } : {}) }, String(message));
    };
  return { log: say('debug'), warn: say('warn'), error: say('error') };
}
