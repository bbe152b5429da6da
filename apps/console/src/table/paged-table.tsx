import type { Page } from '@rejoin/operations';
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import { Button } from 'react-aria-components/Button';
import { formatCount } from '../format/quantity.ts';
import { Ago } from '../format/values.tsx';
import { QueryView } from '../status/states.tsx';
import { DataTable, type DataTableProps } from './data-table.tsx';

export interface PagedTableProps<Row, P extends Page<Row>> extends Omit<DataTableProps<Row>, 'rows'> {
  readonly query: UseInfiniteQueryResult<InfiniteData<P>, Error>;
  /** What was looked at, of how much; said beside the number of rows. */
  readonly note?: (pages: readonly P[]) => string | null;
}

/** A list of the API: its rows, how fresh they are, and the way to more. */
export function PagedTable<Row, P extends Page<Row>>({ query, note, ...table }: PagedTableProps<Row, P>) {
  return (
    <QueryView query={query}>
      {({ pages }) => {
        const rows = pages.flatMap((page) => page.items);
        const said = note?.(pages) ?? null;
        return (
          <div className={query.isPlaceholderData ? 'stale' : undefined}>
            <DataTable {...table} rows={rows} />
            <footer className="table-foot">
              <span role="status">
                {formatCount(rows.length)} shown{said === null ? '' : ` · ${said}`}
              </span>
              <span className="muted">
                read <Ago at={pages[0]?.asOf ?? new Date().toISOString()} />
              </span>
              {query.hasNextPage ? (
                <Button
                  className="button small"
                  isDisabled={query.isFetchingNextPage}
                  onPress={() => void query.fetchNextPage()}
                >
                  {query.isFetchingNextPage ? 'Loading …' : 'Show more'}
                </Button>
              ) : null}
            </footer>
          </div>
        );
      }}
    </QueryView>
  );
}
