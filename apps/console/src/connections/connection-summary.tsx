import type { ConnectionsPage } from '@rejoin/operations';
import { Button } from 'react-aria-components/Button';
import { formatBytes, formatCount } from '../format/quantity.ts';
import { Unknown } from '../format/values.tsx';
import { Tile } from '../shell/page.tsx';

interface Props {
  readonly page: ConnectionsPage;
  readonly onChoose: (filter: { tenant?: string; gateway?: string; transport?: string }) => void;
}

/** All that match, by where and whose they are. */
export function ConnectionSummary({ page, onChoose }: Props) {
  const { gateways, summary, total, partial } = page;
  return (
    <div className="tiles">
      <Tile
        name="Connections"
        note={partial ? 'not all gateways answer' : 'that match'}
        {...(partial ? { tone: 'warn' } : {})}
      >
        {partial ? '≥ ' : ''}
        {formatCount(total)}
      </Tile>
      {gateways.slice(0, 6).map(({ id, answered, connections }) => (
        <Tile
          key={id}
          name={`Gateway ${id}`}
          note={
            <Button className="link" onPress={() => onChoose({ gateway: id })}>
              only these
            </Button>
          }
          {...(answered ? {} : { tone: 'warn' })}
        >
          {connections === null || !answered ? <Unknown why="it did not answer in time" /> : formatCount(connections)}
        </Tile>
      ))}
      <Tile name="Buffered" note="written by nobody yet">
        {formatBytes(summary.bufferedBytes)}
      </Tile>
      {summary.tenants.slice(0, 3).map(({ name, count }) => (
        <Tile
          key={name}
          name={`Tenant ${name}`}
          note={
            <Button className="link" onPress={() => onChoose({ tenant: name })}>
              only these
            </Button>
          }
        >
          {formatCount(count)}
        </Tile>
      ))}
    </div>
  );
}
