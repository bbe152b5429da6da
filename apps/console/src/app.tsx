import type { SessionView } from '@rejoin/operations';
import { QueryClientProvider } from '@tanstack/react-query';
import { useEffect, useSyncExternalStore } from 'react';
import { Link, Route, Switch } from 'wouter';
import { ApiError } from './api/api-client.ts';
import { SessionContext } from './api/live.ts';
import { session } from './api/session.ts';
import { queries, useApi } from './api/use-api.ts';
import { AuditPage } from './audit/audit-page.tsx';
import { BlocksPage } from './blocks/blocks-page.tsx';
import { ConnectionsPage } from './connections/connections-page.tsx';
import { CoveragePage } from './coverage/coverage-page.tsx';
import { DeadLettersPage } from './dead-letters/dead-letters-page.tsx';
import { EventsPage } from './events/events-page.tsx';
import { TracePage } from './events/trace-page.tsx';
import { GroupsPage } from './groups/groups-page.tsx';
import { OverviewPage } from './overview/overview-page.tsx';
import { PartitionPage } from './partitions/partition-page.tsx';
import { PartitionsPage } from './partitions/partitions-page.tsx';
import { PendingPage } from './pending/pending-page.tsx';
import { SettingsPage } from './settings/settings-page.tsx';
import { Shell } from './shell/shell.tsx';
import { Logo, SignIn } from './shell/sign-in.tsx';
import { Empty, Failure } from './status/states.tsx';

export function App() {
  return (
    <QueryClientProvider client={queries}>
      <Entrance />
    </QueryClientProvider>
  );
}

/** Nobody sees a page without a token that the server accepts. */
function Entrance() {
  const token = useSyncExternalStore(session.subscribe, () => session.token);
  useEffect(() => {
    // Nothing of one operator's answers is shown to the next.
    if (token === null) queries.clear();
  }, [token]);
  return token === null ? <SignIn notice={session.notice} /> : <SignedIn key={token} />;
}

function SignedIn() {
  const { data, error, refetch } = useApi<SessionView>('/v1/session');
  if (data) {
    return (
      <SessionContext.Provider value={data}>
        <Shell view={data}>
          <Pages />
        </Shell>
      </SessionContext.Provider>
    );
  }
  if (!error) {
    return (
      <main className="sign-in" aria-busy="true">
        <p className="brand">
          <Logo /> Rejoin
        </p>
      </main>
    );
  }
  const forbidden = error instanceof ApiError && error.status === 403;
  return forbidden ? (
    <SignIn notice={`${error.message}.`} />
  ) : (
    <main className="sign-in">
      <div className="card">
        <Failure error={error} onRetry={() => void refetch()} />
      </div>
    </main>
  );
}

function Pages() {
  return (
    <Switch>
      <Route path="/" component={OverviewPage} />
      <Route path="/partitions" component={PartitionsPage} />
      <Route path="/partitions/:partition">
        {({ partition }) => <PartitionPage key={partition} partition={partition} />}
      </Route>
      <Route path="/pending" component={PendingPage} />
      <Route path="/dead-letters" component={DeadLettersPage} />
      <Route path="/events" component={EventsPage} />
      <Route path="/trace" component={TracePage} />
      <Route path="/coverage" component={CoveragePage} />
      <Route path="/connections" component={ConnectionsPage} />
      <Route path="/blocks" component={BlocksPage} />
      <Route path="/groups" component={GroupsPage} />
      <Route path="/audit" component={AuditPage} />
      <Route path="/settings" component={SettingsPage} />
      <Route>
        <Empty title="There is no such page" icon="unknown">
          <Link href="/">Go to the overview</Link>
        </Empty>
      </Route>
    </Switch>
  );
}
