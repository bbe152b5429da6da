import type { SyntaxNodeRef } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

/** What a PromQL expression names. */
export interface Named {
  readonly metrics: ReadonlySet<string>;
  readonly labels: ReadonlySet<string>;
}

/** What Grafana puts in the place of a duration before Prometheus sees the expression. */
const INTERVAL = /\$__(rate_)?interval\b/g;

/**
 * Reads an expression with Prometheus' own grammar.
 * @throws Error where it does not parse, with the place
 */
export function readExpression(expression: string): Named {
  const text = expression.replaceAll(INTERVAL, '5m');
  const metrics = new Set<string>();
  const labels = new Set<string>();
  parser.parse(text).iterate({
    enter({ type, from, to }: SyntaxNodeRef) {
      const part = text.slice(from, to);
      if (type.isError) throw new Error(`does not parse at "${text.slice(Math.max(0, from - 20), to + 20)}"`);
      if (type.name === 'Identifier') metrics.add(part);
      if (type.name === 'LabelName') labels.add(part);
    },
  });
  return { metrics, labels };
}
