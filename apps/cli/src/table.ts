import type { Span } from './span.ts';
import { fit, widthOf } from './width.ts';

/** A column of a table: how its cells are made. */
export interface Column<Row> {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Somebody copies it, such as an id: other columns are cut first. */
  readonly whole?: boolean;
  cell(row: Row): Span;
}

export interface Layout {
  /** Columns of the terminal. */
  readonly width: number;
  /** Makes a text harmless. */
  clean(text: string): string;
}

const GAP = '  ';
const MIN_WIDTH = 6;

/** The lines of a table that fits: wide columns are cut, and where that is not enough the last ones are left out. */
export function layOut<Row>(rows: readonly Row[], columns: readonly Column<Row>[], layout: Layout): Span[][] {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  const texts = cells.map((line) => line.map((cell) => layout.clean(typeof cell === 'string' ? cell : cell.text)));
  const wanted = columns.map(({ title }, at) =>
    texts.reduce((most, line) => Math.max(most, widthOf(line[at] as string)), title.length),
  );
  const widths = fitting(wanted, columns, layout.width);
  const isCut = widths.length < columns.length;
  const titles = widths.map((width, at): Span => {
    const { title, align } = columns[at] as Column<Row>;
    return { text: fit(title, width, align), tone: 'bold' };
  });
  const lines = texts.map((line, row) =>
    widths.map((width, at): Span => {
      const cell = cells[row]?.[at] as Span;
      const text = fit(line[at] as string, width, columns[at]?.align);
      return typeof cell === 'string' ? text : { text, tone: cell.tone };
    }),
  );
  return [joined(isCut ? [...titles, '…'] : titles), ...lines.map(joined)];
}

/** How wide each column that is shown may be. */
function fitting<Row>(wanted: readonly number[], columns: readonly Column<Row>[], width: number): number[] {
  const least = wanted.map((each) => Math.min(each, MIN_WIDTH));
  let shown = wanted.length;
  while (shown > 1 && widthOfAll(least.slice(0, shown)) + (shown < wanted.length ? GAP.length + 1 : 0) > width) shown--;
  const widths = wanted.slice(0, shown);
  const available = width - (shown < wanted.length ? GAP.length + 1 : 0);
  for (const mayCut of [(at: number) => columns[at]?.whole !== true, () => true]) {
    while (widthOfAll(widths) > available) {
      const widest = widths.reduce(
        (best, each, at) => (mayCut(at) && each > MIN_WIDTH && each > (widths[best] ?? 0) ? at : best),
        -1,
      );
      if (widest === -1) break;
      widths[widest] = (widths[widest] as number) - 1;
    }
  }
  return widths;
}

function widthOfAll(widths: readonly number[]): number {
  return widths.reduce((sum, each) => sum + each, 0) + GAP.length * (widths.length - 1);
}

function joined(cells: readonly Span[]): Span[] {
  const line = cells.flatMap((cell, at) => (at === 0 ? [cell] : [GAP, cell]));
  const last = line.at(-1);
  if (last === undefined) return line;
  const text = (typeof last === 'string' ? last : last.text).trimEnd();
  return [...line.slice(0, -1), typeof last === 'string' ? text : { text, tone: last.tone }];
}
