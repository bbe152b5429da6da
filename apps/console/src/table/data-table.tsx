import { Icon } from '../shell/icon.tsx';

export interface Column<Row> {
  readonly id: string;
  readonly header: string;
  readonly cell: (row: Row) => React.ReactNode;
  readonly end?: boolean;
  /** Its name for the API's `sort`. */
  readonly sort?: string;
  /** Shown only where there is room: 2 from a tablet up, 3 on a wide screen. */
  readonly room?: 2 | 3;
  readonly help?: string;
}

export interface Sorting {
  readonly sort: string;
  readonly order: string;
}

export interface DataTableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  readonly sorting?: Sorting;
  readonly onSort?: (sorting: Sorting) => void;
  readonly empty: React.ReactNode;
  readonly selection?: {
    readonly chosen: ReadonlySet<string>;
    readonly onChange: (chosen: ReadonlySet<string>) => void;
    readonly nameOf: (row: Row) => string;
  };
}

/** A dense table. Sorting is the server's, so that it sorts all there is and not the page. */
export function DataTable<Row>({
  label,
  columns,
  rows,
  keyOf,
  sorting,
  onSort,
  empty,
  selection,
}: DataTableProps<Row>) {
  if (rows.length === 0) return <>{empty}</>;
  const all = selection !== undefined && rows.every((row) => selection.chosen.has(keyOf(row)));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="table-scroll" aria-label={`${label}, table`} tabIndex={0}>
      <table className="table">
        <caption className="for-readers">{label}</caption>
        <thead>
          <tr>
            {selection ? (
              <th className="choose" scope="col">
                <input
                  type="checkbox"
                  aria-label="Choose all that are shown"
                  checked={all}
                  onChange={() => selection.onChange(new Set(all ? [] : rows.map(keyOf)))}
                />
              </th>
            ) : null}
            {columns.map((column) => (
              <HeaderCell key={column.id} column={column} sorting={sorting} onSort={onSort} />
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const key = keyOf(row);
            return (
              <tr key={key} className={selection?.chosen.has(key) ? 'chosen' : undefined}>
                {selection ? (
                  <td className="choose">
                    <input
                      type="checkbox"
                      aria-label={`Choose ${selection.nameOf(row)}`}
                      checked={selection.chosen.has(key)}
                      onChange={() => selection.onChange(toggled(selection.chosen, key))}
                    />
                  </td>
                ) : null}
                {columns.map((column) => (
                  <td key={column.id} className={classOf(column)}>
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function HeaderCell<Row>({
  column,
  sorting,
  onSort,
}: {
  readonly column: Column<Row>;
  readonly sorting: Sorting | undefined;
  readonly onSort: ((sorting: Sorting) => void) | undefined;
}) {
  const { sort, header, help } = column;
  if (sort === undefined || !onSort) {
    return (
      <th scope="col" className={classOf(column)} title={help}>
        {header}
      </th>
    );
  }
  const order = sorting?.sort === sort ? sorting.order : null;
  return (
    <th
      scope="col"
      className={classOf(column)}
      aria-sort={order === 'asc' ? 'ascending' : order === 'desc' ? 'descending' : 'none'}
    >
      <button
        type="button"
        className="sort"
        title={help}
        onClick={() => onSort({ sort, order: order === 'desc' ? 'asc' : 'desc' })}
      >
        {header}
        <Icon name={order === 'asc' ? 'up' : order === 'desc' ? 'down' : 'sort'} size={12} />
      </button>
    </th>
  );
}

function classOf({ end, room }: Column<never>): string {
  return `${end ? 'end' : ''} ${room ? `room-${room}` : ''}`.trim();
}

function toggled(chosen: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(chosen);
  if (!next.delete(key)) next.add(key);
  return next;
}
