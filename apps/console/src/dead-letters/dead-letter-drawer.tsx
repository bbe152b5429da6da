import type { DeadLetterDetail } from '@rejoin/operations';
import { useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { Link } from 'wouter';
import { useApi } from '../api/use-api.ts';
import { ActionButton } from '../dialog/action-button.tsx';
import { Dialog } from '../dialog/dialog.tsx';
import { PayloadDialog } from '../dialog/payload-dialog.tsx';
import { Ago, Count, Id, None } from '../format/values.tsx';
import { Fact, Facts } from '../shell/page.tsx';
import { QueryView } from '../status/states.tsx';

interface Props {
  readonly id: string;
  readonly onAct: (kind: 'redrive' | 'discard') => void;
  readonly onClose: () => void;
}

/** One dead letter. Its payload is shown only when asked for, and the asking is in the audit. */
export function DeadLetterDrawer({ id, onAct, onClose }: Props) {
  const [why, setWhy] = useState<string | null>(null);
  const [asks, setAsks] = useState(false);
  const query = useApi<DeadLetterDetail>(
    `/v1/dead-letters/${encodeURIComponent(id)}`,
    why === null ? {} : { payload: true, reason: why },
  );
  return (
    <Dialog title="Dead letter" onClose={onClose} drawer>
      <QueryView query={query} rows={10}>
        {(letter) => (
          <>
            <p className="failure-line">
              <code>{letter.code}</code> {letter.message}
            </p>
            <div className="row-actions">
              <ActionButton disabled={!letter.redrivable} onPress={() => onAct('redrive')}>
                Redrive …
              </ActionButton>
              <ActionButton danger onPress={() => onAct('discard')}>
                Discard …
              </ActionButton>
              {letter.eventId === null ? null : (
                <Link className="button small" href={`/trace?id=${encodeURIComponent(letter.eventId)}`}>
                  Trace
                </Link>
              )}
            </div>
            {letter.notRedrivable === null ? null : <p className="notice tone-warn">{letter.notRedrivable}</p>}
            <Facts>
              <Fact name="Event">{letter.eventId === null ? <None /> : <Id value={letter.eventId} />}</Fact>
              <Fact name="Type">{letter.type ?? <None />}</Fact>
              <Fact name="Tenant">{letter.tenant ?? <None />}</Fact>
              <Fact name="Entry">
                <Id value={letter.entryId} />
              </Fact>
              <Fact name="Partition">
                <Link href={`/partitions/${letter.partition}`}>{letter.partition}</Link>
              </Fact>
              <Fact name="Attempts">
                <Count value={letter.attempts} />
              </Fact>
              <Fact name="First failed">
                <Ago at={letter.firstFailedAt} />
              </Fact>
              <Fact name="Last failed">
                <Ago at={letter.lastFailedAt} />
              </Fact>
            </Facts>
            {letter.rehearsal === null ? null : (
              <>
                <h3>Rehearsal: who would get it today</h3>
                {letter.rehearsal.audience === null ? (
                  <p className="notice tone-warn">{letter.rehearsal.refusal ?? 'Nobody.'}</p>
                ) : (
                  <p className="tokens">
                    {letter.rehearsal.audience.map((token) => (
                      <code key={token}>{token}</code>
                    ))}
                  </p>
                )}
              </>
            )}
            {letter.stack === null ? null : (
              <>
                <h3>Stack</h3>
                <pre>{letter.stack}</pre>
              </>
            )}
            <h3>Payload</h3>
            {letter.event === undefined ? (
              <p>
                <Button className="button small" onPress={() => setAsks(true)}>
                  Show the payload …
                </Button>{' '}
                <span className="muted">Asks for a reason, and leaves a line in the audit.</span>
              </p>
            ) : (
              <pre>{readable(letter.event)}</pre>
            )}
          </>
        )}
      </QueryView>
      {asks ? <PayloadDialog what="the payload" onShow={setWhy} onClose={() => setAsks(false)} /> : null}
    </Dialog>
  );
}

/** Indented where it is JSON; as it is where it is not, for that may be why it is here. */
function readable(event: unknown): string {
  if (typeof event !== 'string') return JSON.stringify(event, null, 2);
  try {
    return JSON.stringify(JSON.parse(event), null, 2);
  } catch {
    return event;
  }
}
