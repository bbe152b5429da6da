import { describe, expect, it } from '@jest/globals';
import { sampledTraceparent } from '../src/index.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331';

describe('a traceparent', () => {
  it('is linked to where its trace is recorded', () => {
    expect(sampledTraceparent(`00-${TRACE}-01`)).toBe(`00-${TRACE}-01`);
    expect(sampledTraceparent(`00-${TRACE}-03`)).toBe(`00-${TRACE}-03`);
    // A later version has more behind it.
    expect(sampledTraceparent(`01-${TRACE}-01-more`)).toBe(`01-${TRACE}-01`);
  });

  it.each([
    ['of a trace that is not recorded', `00-${TRACE}-00`],
    ['of no trace', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`],
    ['of no span', `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`],
    ['in capitals', `00-${TRACE.toUpperCase()}-01`],
    ['of the forbidden version', `ff-${TRACE}-01`],
    ['cut off', `00-${TRACE}`],
    ['that is no text', 5],
    ['with a line break', `00-${TRACE}-01\n`],
    ['that is absent', undefined],
  ])('%s is none', (_name, text) => {
    expect(sampledTraceparent(text)).toBeUndefined();
  });
});
