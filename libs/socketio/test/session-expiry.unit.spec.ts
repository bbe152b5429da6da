import { describe, expect, it } from '@jest/globals';
import { SessionExpiry } from '../src/session-expiry.ts';

const END = 1_000_000;

describe('the end of a token', () => {
  it('is nothing to speak of until a minute before, then said once, then due', () => {
    const expiry = new SessionExpiry(END);
    expect(expiry.due(END - 60_001)).toBe('nothing');
    expect(expiry.due(END - 60_000)).toBe('expiring');
    expect(expiry.due(END - 59_000)).toBe('nothing');
    expect(expiry.due(END - 1)).toBe('nothing');
    expect(expiry.due(END)).toBe('expired');
    expect(expiry.due(END + 1)).toBe('expired');
  });

  it('is set anew by a fresh token, whose client is warned again', () => {
    const expiry = new SessionExpiry(END);
    expect(expiry.due(END - 1)).toBe('expiring');
    expiry.set(2 * END);
    expect(expiry.due(END)).toBe('nothing');
    expect(expiry.due(2 * END - 60_000)).toBe('expiring');
    expect(expiry.leftMs(2 * END - 60_000)).toBe(60_000);
  });

  it('is due without a warning where nobody asked before', () => {
    expect(new SessionExpiry(END).due(END)).toBe('expired');
  });
});
