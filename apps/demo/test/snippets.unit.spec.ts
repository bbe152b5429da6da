import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';

const html = readFileSync(new URL('../public/index.html', import.meta.url), 'utf8');
const snippets = [...html.matchAll(/<code data-source="([^"]+)">([\s\S]*?)<\/code>/g)].map(([, source, text]) => ({
  source: source as string,
  lines: (text as string)
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .split('\n')
    .map((line) => line.trim()),
}));

test('every part of the page shows code', () => {
  expect(html.match(/<details class="code">/g)).toHaveLength(4);
  expect(snippets.length).toBeGreaterThanOrEqual(4);
});

test.each(snippets)('the code that the page shows is the code that runs: $source', ({ source, lines }) => {
  const actual = readFileSync(new URL(`../src/${source}`, import.meta.url), 'utf8')
    .split('\n')
    .map((line) => line.trim());
  let at = 0;
  for (const line of lines) {
    const found = actual.indexOf(line, at);
    expect([line, found >= 0]).toEqual([line, true]);
    at = found + 1;
  }
});
