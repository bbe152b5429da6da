import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { parseExposition } from '@rejoin/testing';
import { parse } from 'yaml';
import { METRICS, type MetricDefinition, ProcessMetrics } from '../src/index.ts';
import { readExpression } from './promql.ts';

const DEPLOY = fileURLToPath(new URL('../../../deploy/', import.meta.url));
const RULES = `${DEPLOY}prometheus/rules/`;

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string };
}
interface Panel {
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat?: string }[];
}

const alerts = readdirSync(RULES).flatMap((file) =>
  (parse(readFileSync(RULES + file, 'utf8')) as { groups: { rules: Alert[] }[] }).groups.flatMap(({ rules }) => rules),
);
const dashboard = JSON.parse(readFileSync(`${DEPLOY}grafana/dashboards/rejoin.json`, 'utf8')) as { panels: Panel[] };
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const queries = panels.flatMap(({ title, targets = [] }) => targets.map((target) => ({ title, ...target })));

/** Every series that a process of ours can have, and what Prometheus adds. */
async function knownSeries(): Promise<Set<string>> {
  const { samples } = parseExposition(await new ProcessMetrics().text());
  const ours = (Object.entries(METRICS) as [string, MetricDefinition][]).flatMap(([name, { type }]) =>
    type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  );
  return new Set(['up', ...ours, ...samples.map(({ name }) => name)]);
}

/** Labels that scraping adds, or that the format has. */
const SCRAPED = ['job', 'instance', 'app', 'le'];
const knownLabels = new Set([...SCRAPED, ...Object.values(METRICS).flatMap(({ labels }) => [...labels])]);

describe.each([
  ['alert', alerts.map(({ alert, expr }) => [alert, expr] as const)],
  ['panel', queries.map(({ title, expr }) => [title, expr] as const)],
])('the expression of each %s', (_kind, expressions) => {
  it.each(expressions)('%s parses, and names metrics and labels that there are: %s', async (_name, expression) => {
    const known = await knownSeries();
    const { metrics, labels } = readExpression(expression);
    expect(metrics.size).toBeGreaterThan(0);
    expect([...metrics].filter((name) => !known.has(name))).toEqual([]);
    expect([...labels].filter((name) => !knownLabels.has(name))).toEqual([]);
  });
});

describe('the check of expressions', () => {
  it('finds one that does not parse, and a metric that there is not', async () => {
    expect(() => readExpression('sum by (le) (rate(rejoin_ready[5m])')).toThrow(/does not parse/);
    expect((await knownSeries()).has('rejoin_nothing_total')).toBe(false);
  });
});

describe('alert rules', () => {
  it('have names of their own, a severity, and words that say what to do', () => {
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBe(alerts.length);
    for (const { alert, labels, annotations } of alerts) {
      expect(alert).toMatch(/^Rejoin[A-Z]/);
      expect(['info', 'warning', 'critical']).toContain(labels.severity);
      expect(annotations.summary.length).toBeGreaterThan(10);
      expect(annotations.description.length).toBeGreaterThan(40);
    }
  });

  it('use in their words only labels that their expression keeps', () => {
    for (const { alert, expr, annotations } of alerts) {
      const used = [...`${annotations.summary} ${annotations.description}`.matchAll(/\$labels\.([a-z]+)/g)].map(
        ([, label]) => label as string,
      );
      // An aggregation keeps what it names; without one all labels stay.
      const aggregated = /^(?:count|sum|max|min)(?: by \(([^)]*)\))?/.exec(expr);
      const kept = aggregated ? (aggregated[1] ?? '').split(', ') : [...knownLabels];
      expect([alert, used.filter((label) => !kept.includes(label))]).toEqual([alert, []]);
    }
  });

  it('satisfy promtool, where it is installed, and the exposition does, too', async () => {
    const promtool = (args: string[], input = ''): string => {
      const { error, status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
      if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return 'not installed';
      return status === 0 ? 'satisfied' : `${stdout}${stderr}`;
    };
    const fine = expect.stringMatching(/^(satisfied|not installed)$/);
    expect(promtool(['check', 'config', `${DEPLOY}prometheus/prometheus.yml`])).toEqual(fine);
    expect(promtool(['check', 'metrics'], await exampleExposition())).toEqual(fine);
  });
});

/** A series of each metric of the catalogue. */
async function exampleExposition(): Promise<string> {
  const metrics = new ProcessMetrics();
  for (const [name, { type, labels }] of Object.entries(METRICS) as [keyof typeof METRICS, MetricDefinition][]) {
    const reading = [[Object.fromEntries(labels.map((label) => [label, 'x'])), 1]] as const;
    if (type === 'counter') metrics.readCounter(name as 'rejoin_resume_total', () => reading);
    else if (type === 'gauge') metrics.readGauge(name as 'rejoin_ready', () => reading);
    else metrics.histogram(name as 'rejoin_fanout_batch_size')(1);
  }
  const lines = (await metrics.text()).split('\n');
  // Those of prom-client are named as they always were.
  return `${lines.filter((line) => /^(# (HELP|TYPE) )?rejoin_/.test(line)).join('\n')}\n`;
}

describe('the dashboard', () => {
  it('shows every metric of the catalogue that is not a part of another panel', () => {
    const shown = new Set(queries.flatMap(({ expr }) => [...readExpression(expr).metrics]));
    const missing = Object.keys(METRICS).filter(
      (name) => !shown.has(name) && !shown.has(`${name}_bucket`) && name !== 'rejoin_group_lag_known',
    );
    expect(missing).toEqual([]);
  });

  it('has panels that do not overlap, each with a query and a title of its own', () => {
    expect(new Set(panels.map(({ title, gridPos }) => `${title} ${gridPos.h}`)).size).toBe(panels.length);
    for (const { title, targets } of panels) expect([title, targets?.length]).not.toEqual([title, 0]);
    const overlapping = dashboard.panels.flatMap((one, index) =>
      dashboard.panels.slice(index + 1).filter((two) => overlap(one.gridPos, two.gridPos)),
    );
    expect(overlapping).toEqual([]);
    expect(dashboard.panels.every(({ gridPos }) => gridPos.x + gridPos.w <= 24)).toBe(true);
  });
});

function overlap(a: Panel['gridPos'], b: Panel['gridPos']): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
