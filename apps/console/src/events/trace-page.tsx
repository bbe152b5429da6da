import type { TraceView } from '@rejoin/operations';
import { useEffect, useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { Link } from 'wouter';
import { ApiError } from '../api/api-client.ts';
import { useUrlState } from '../api/url-state.ts';
import { useApi } from '../api/use-api.ts';
import { Field } from '../dialog/field.tsx';
import { Ago, Count, Id, None, Unknown } from '../format/values.tsx';
import { Card, Fact, Facts, Page } from '../shell/page.tsx';
import { Empty, QueryView } from '../status/states.tsx';
import { Badge } from '../status/status-badge.tsx';
import { DataTable } from '../table/data-table.tsx';
import { TimeLine } from './time-line.tsx';
import { VerdictCard } from './verdict-card.tsx';

const DEFAULTS = { id: '', tenant: '', user: '' };

/** Where one event is and how it got there; and why somebody did not get it. */
export function TracePage() {
  const [state, change] = useUrlState(DEFAULTS);
  const query = useApi<TraceView>(
    `/v1/events/${encodeURIComponent(state.id)}/trace`,
    { tenant: state.tenant, user: state.user },
    { enabled: state.id !== '', refreshMs: 5_000 },
  );
  const missing = query.error instanceof ApiError && query.error.status === 404;
  return (
    <Page
      title="Trace"
      about="The way of one event from publishing to the acknowledgement, and why somebody did not get it."
    >
      <TraceForm state={state} onSubmit={change} />
      {state.id === '' ? (
        <Empty title="Which event?" icon="trace">
          Give the id that it was published with. With a user, the answer says why that user did or did not get it.
        </Empty>
      ) : missing && query.error ? (
        <Empty title="There is no such event" icon="search">
          {query.error.message}. It may be older than the replay window; <Link href="/coverage">coverage</Link> says how
          far back it reaches.
        </Empty>
      ) : (
        <QueryView query={query} rows={8}>
          {(trace) => <Trace trace={trace} />}
        </QueryView>
      )}
    </Page>
  );
}

interface TraceFormProps {
  readonly state: typeof DEFAULTS;
  readonly onSubmit: (state: typeof DEFAULTS) => void;
}

function TraceForm({ state, onSubmit }: TraceFormProps) {
  const [draft, setDraft] = useState(state);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a link to another event fills the form anew
  useEffect(() => setDraft(state), [state.id, state.tenant, state.user]);
  return (
    <form
      className="filters"
      aria-label="Event to trace"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit({ id: draft.id.trim(), tenant: draft.tenant.trim(), user: draft.user.trim() });
      }}
    >
      <Field label="Event id" value={draft.id} onChange={(id) => setDraft({ ...draft, id })} required />
      <Field
        label="Tenant"
        value={draft.tenant}
        onChange={(tenant) => setDraft({ ...draft, tenant })}
        placeholder="any"
      />
      <Field
        label="Why (not) user"
        value={draft.user}
        onChange={(user) => setDraft({ ...draft, user })}
        placeholder="nobody in particular"
      />
      <Button className="button primary" type="submit" isDisabled={draft.id.trim() === ''}>
        Trace
      </Button>
    </form>
  );
}

const STATES = {
  waiting: { tone: 'warn', icon: 'pending', word: 'waiting' },
  parked: { tone: 'warn', icon: 'pending', word: 'put aside for later' },
  fanned_out: { tone: 'good', icon: 'ok', word: 'fanned out' },
  dead_lettered: { tone: 'bad', icon: 'dead', word: 'dead letter' },
  trimmed: { tone: 'muted', icon: 'stop', word: 'trimmed' },
} as const;

function Trace({ trace }: { readonly trace: TraceView }) {
  const { tone, icon, word } = STATES[trace.state];
  return (
    <>
      {trace.verdict === null ? null : <VerdictCard verdict={trace.verdict} />}
      {trace.complete ? null : (
        <p className="notice tone-warn" role="status">
          More events wait than were looked at: another one may have this id. Name its tenant, its entry ID or its
          cursor.
        </p>
      )}
      <Card
        title="On one line of time"
        aside={
          <Badge tone={tone} icon={icon}>
            {word}
          </Badge>
        }
      >
        <TimeLine steps={trace.steps} />
      </Card>
      <div className="columns">
        <Card title="Event">
          <Facts>
            <Fact name="Event">{trace.eventId === null ? <Unknown /> : <Id value={trace.eventId} />}</Fact>
            <Fact name="Type">{trace.type ?? <Unknown why="the event itself is gone" />}</Fact>
            <Fact name="Tenant">{trace.tenant ?? <Unknown why="the event itself is gone" />}</Fact>
            <Fact name="Entry">
              <Id value={trace.entryId} />
            </Fact>
            <Fact name="Cursor">
              <Id value={trace.cursor} />
            </Fact>
            <Fact name="Partition">
              <Link href={`/partitions/${trace.partition}`}>{trace.partition}</Link>
            </Fact>
            {trace.deadLetterId === null ? null : (
              <Fact name="Dead letter">
                <Link href={`/dead-letters?letter=${encodeURIComponent(trace.deadLetterId)}`}>open it</Link>
              </Fact>
            )}
            {trace.others.length === 0 ? null : (
              <Fact name="Others with this id">{trace.others.map(({ entryId }) => entryId).join(', ')}</Fact>
            )}
            <Fact name="Read">
              <Ago at={trace.asOf} />
            </Fact>
          </Facts>
        </Card>
        <Card title="Audience">
          {trace.audience === null ? (
            <Unknown why="it was not resolved, or is gone" />
          ) : trace.audience.length === 0 ? (
            <None what="nobody" />
          ) : (
            <p className="tokens">
              {trace.audience.map((token) => (
                <code key={token}>{token}</code>
              ))}
            </p>
          )}
        </Card>
      </div>
      <Card title="Gateways" flush>
        <DataTable
          label="What each gateway did"
          rows={trace.gateways}
          keyOf={({ gateway }) => gateway}
          columns={[
            { id: 'gateway', header: 'Gateway', cell: ({ gateway }) => <code>{gateway}</code> },
            {
              id: 'reached',
              header: 'Has it',
              cell: ({ answered, reached }) =>
                answered ? (
                  <Badge tone={reached ? 'good' : 'warn'} icon={reached ? 'ok' : 'pending'}>
                    {reached ? 'yes' : 'not yet'}
                  </Badge>
                ) : (
                  <Badge tone="muted" icon="unknown" title="Nothing is known of its connections">
                    no answer
                  </Badge>
                ),
            },
            {
              id: 'connections',
              header: 'May see it',
              end: true,
              cell: ({ connections }) => <Count value={connections} />,
            },
            { id: 'written', header: 'Written', end: true, cell: ({ written }) => <Count value={written} /> },
            {
              id: 'acknowledged',
              header: 'Acknowledged',
              end: true,
              cell: ({ acknowledged }) => <Count value={acknowledged} />,
            },
            { id: 'filtered', header: 'Filtered', end: true, cell: ({ filtered }) => <Count value={filtered} /> },
            { id: 'behind', header: 'Behind', end: true, cell: ({ behind }) => <Count value={behind} /> },
          ]}
          empty={<Empty title="No gateway is known to have it" icon="connections" />}
        />
      </Card>
    </>
  );
}
