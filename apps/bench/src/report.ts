import type { Measure, ScenarioResult, Unit } from './scenario.ts';

/** The result as lines for a terminal. */
export function formatResult({ title, measures }: ScenarioResult): string {
  const rows = [['', 'this project', 'stock', 'better by', 'to reach', ''], ...measures.map(cellsOf)];
  const widths = (rows[0] as string[]).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] as string).length)),
  );
  const lines = rows.map((row) =>
    row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0] as number) : cell.padStart(widths[column] as number),
    ),
  );
  return [title, '', ...lines.map((line) => `  ${line.join('  ').trimEnd()}`), ''].join('\n');
}

/** Name, this project, stock, ratio, goal, and whether it was reached. */
export function cellsOf({ name, unit, rejoin, interval, stock, ratio, goal }: Measure): string[] {
  return [
    name,
    `${formatFigure(rejoin, unit)}${interval ? ` (${formatNumber(interval.low)} to ${formatNumber(interval.high)})` : ''}`,
    stock === null ? '–' : formatFigure(stock, unit),
    ratio === null ? '–' : `${formatNumber(ratio)} ×`,
    goal?.text ?? '',
    goal === null ? '' : goal.reached ? 'reached' : 'missed',
  ];
}

function formatFigure(value: number, unit: Unit): string {
  return unit === 'count' ? String(value) : `${formatNumber(value)} ${unit}`;
}

function formatNumber(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString('en');
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
