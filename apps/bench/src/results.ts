import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Environment } from './environment.ts';
import { cellsOf } from './report.ts';
import type { ScenarioResult } from './scenario.ts';

/** A result with what makes it repeatable: what `--json` prints and what is recorded. */
export interface RecordedResult extends ScenarioResult {
  readonly scenario: string;
  /** RFC 3339. */
  readonly measuredAt: string;
  readonly command: string;
  readonly durationSeconds: number;
  readonly environment: Environment;
}

const DIRECTORY = fileURLToPath(new URL('../results', import.meta.url));

/** Writes a result in place of the scenario's earlier one, and the page that shows them all. */
export function recordResult(result: RecordedResult, scenarios: readonly string[], directory = DIRECTORY): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${result.scenario}.json`), `${JSON.stringify(result, null, 2)}\n`);
  const recorded = scenarios
    .map((name) => join(directory, `${name}.json`))
    .filter((path) => existsSync(path))
    .map((path) => JSON.parse(readFileSync(path, 'utf8')) as RecordedResult);
  writeFileSync(join(directory, 'README.md'), formatPage(recorded));
}

function formatPage(results: readonly RecordedResult[]): string {
  return [
    '# Benchmark results',
    '',
    'Written by `npm run bench -- <scenario> --record`; how each scenario works is in [`../README.md`](../README.md). Both',
    'sides ran in the same run, on the same machine, with the same clients. "Better by" above 1 is in favour of this project.',
    '',
    ...results.flatMap(formatSection),
  ].join('\n');
}

function formatSection(result: RecordedResult): string[] {
  const { environment } = result;
  return [
    `## ${result.scenario}`,
    '',
    `${result.title}.`,
    '',
    '| | this project | stock | better by | to reach | |',
    '|---|---:|---:|---:|---|---|',
    ...result.measures.map((measure) => `| ${cellsOf(measure).join(' | ')} |`),
    '',
    `\`${result.command}\`, ${result.measuredAt.slice(0, 10)}, ${Math.round(result.durationSeconds)} s. Node ${environment.node}, ` +
      `Redis ${environment.redis}, socket.io ${environment.socketIo}, socket.io-client ${environment.socketIoClient}, ` +
      `@socket.io/redis-streams-adapter ${environment.redisStreamsAdapter}, ioredis ${environment.ioredis}; ` +
      `${environment.cores} × ${environment.cpu}, ${environment.memoryGiB} GiB, ${environment.system}.`,
    '',
  ];
}
