import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { InvalidAudienceRulesError, loadAudienceRules, parseAudienceRules } from '../src/index.ts';

function problemsOf(document: unknown): readonly string[] {
  try {
    parseAudienceRules(document, 'test');
  } catch (error) {
    if (error instanceof InvalidAudienceRulesError) return error.problems;
    throw error;
  }
  return [];
}

const rule = (type: unknown, ...audience: unknown[]): object => ({ rules: [{ type, audience }] });

describe('rules', () => {
  test('may be good', () => {
    expect(
      problemsOf(rule('*', 'tenant', 'user:{data.a.b}', 'role:x', 'group:{data.team}', 'order:{subject}/{data.x-y}')),
    ).toEqual([]);
    expect(problemsOf({ rules: [] })).toEqual([]);
  });

  test.each<[string, unknown, RegExp]>([
    ['no object', [], /^rules|^the document/],
    ['no rules', {}, /^rules /],
    ['an unknown key', { rules: [], version: 1 }, /^version /],
    ['an unknown key of a rule', { rules: [{ type: 'a', audience: ['tenant'], to: 1 }] }, /^rules\[0\]\.to /],
    ['no type', { rules: [{ audience: ['tenant'] }] }, /^rules\[0\]\.type /],
    ['a pattern with a star in the middle', rule('a*b', 'tenant'), /^rules\[0\]\.type must be an event type/],
    ['no audience', rule('a'), /^rules\[0\]\.audience must name at least one/],
    ['an audience that is no text', rule('a', 1), /^rules\[0\]\.audience\[0\] /],
    ['what is no token', rule('a', 'tenant', 'everybody'), /^rules\[0\]\.audience\[1\] "everybody" is not/],
    ['a placeholder for the kind', rule('a', '{data.kind}:1'), /is not tenant/],
    ['a placeholder alone', rule('a', '{data.kind}'), /is not tenant/],
    ['an open brace', rule('a', 'user:{subject'), /a brace without its counterpart/],
    ['a closed brace', rule('a', 'user:x}'), /a brace without its counterpart/],
    ['an empty placeholder', rule('a', 'user:{}'), /names neither/],
    ['all of data', rule('a', 'user:{data}'), /names neither/],
    ['a path with an empty step', rule('a', 'user:{data..x}'), /names neither/],
    ['a path into an attribute', rule('a', 'user:{subject.x}'), /names neither/],
  ])('with %s are refused in words that name the place', (_, document, message) => {
    const problems = problemsOf(document);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(message);
  });

  test('report every bad rule at once', () => {
    const document = {
      rules: [
        { type: 'a', audience: ['x'] },
        { type: 'b', audience: ['tenant', 'user:{'] },
      ],
    };
    expect(problemsOf(document)).toEqual([
      expect.stringContaining('rules[0].audience[0]'),
      expect.stringContaining('rules[1].audience[1]'),
    ]);
  });
});

describe('a rules file', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'rejoin-rules-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test('is read', () => {
    const path = join(directory, 'rules.json');
    writeFileSync(path, JSON.stringify({ rules: [{ type: 'x.*', audience: ['tenant'] }] }));
    expect(loadAudienceRules(path).map(({ type }) => type)).toEqual(['x.*']);
  });

  test('that is missing, or is not JSON, is refused by its path', () => {
    const broken = join(directory, 'broken.json');
    writeFileSync(broken, '{"rules": [');
    for (const path of [broken, join(directory, 'missing.json')]) {
      expect(() => loadAudienceRules(path)).toThrow(InvalidAudienceRulesError);
      expect(() => loadAudienceRules(path)).toThrow(path);
    }
  });
});
