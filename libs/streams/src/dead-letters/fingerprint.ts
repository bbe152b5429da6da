import { hash } from 'node:crypto';

const LENGTH = 10;

/**
 * What dead letters with the same cause have in common: a short name made of the code and of the message without what
 * differs from event to event (quoted texts, numbers, long hexadecimal names).
 */
export function deadLetterFingerprint(code: string, message: string): string {
  const shape = message
    .replace(/"[^"]*"/g, '""')
    .replace(/\b[0-9a-f]{8,}(?:-[0-9a-f]{4,})*\b/gi, '#')
    .replace(/\d+/g, '#');
  return hash('sha256', JSON.stringify([code, shape]), 'base64url').slice(0, LENGTH);
}
