import type { DoctorView, FindingView, SettingsView } from '@rejoin/operations';
import { useState } from 'react';
import { useSession } from '../api/live.ts';
import { useApi } from '../api/use-api.ts';
import { Choice } from '../dialog/field.tsx';
import { formatBytes, formatCount } from '../format/quantity.ts';
import { formatDuration } from '../format/time.ts';
import { Ago, Time } from '../format/values.tsx';
import { Card, Fact, Facts, Page } from '../shell/page.tsx';
import { applyTheme, readTheme, type Theme } from '../shell/theme.ts';
import { Empty, QueryView } from '../status/states.tsx';
import { Badge } from '../status/status-badge.tsx';

export function SettingsPage() {
  return (
    <Page title="Settings" about="How this installation is set up, and what the doctor says about it.">
      <DoctorCard />
      <div className="columns">
        <InstallationCard />
        <YouCard />
      </div>
    </Page>
  );
}

function InstallationCard() {
  const query = useApi<SettingsView>('/v1/settings');
  return (
    <Card title="Installation">
      <QueryView query={query} rows={5}>
        {(settings) => (
          <Facts>
            <Fact name="Prefix of all keys">
              <code>{settings.prefix}</code>
            </Fact>
            <Fact name="Partitions">{settings.partitions}</Fact>
            <Fact name="Replay window">{formatDuration(settings.replayWindowMs)}</Fact>
            <Fact name="Replay bytes, at most">{formatBytes(settings.replayMaxBytes)}</Fact>
            <Fact name="Backlog that refuses publishing">{formatCount(settings.maxBacklog)} per partition</Fact>
          </Facts>
        )}
      </QueryView>
    </Card>
  );
}

const SEVERITIES = {
  critical: { tone: 'bad', icon: 'stop' },
  warning: { tone: 'warn', icon: 'warn' },
  info: { tone: 'info', icon: 'unknown' },
} as const;

function DoctorCard() {
  const query = useApi<DoctorView>('/v1/doctor');
  return (
    <Card
      title="Doctor"
      aside={
        query.data ? (
          <span className="muted">
            {query.data.server.name} {query.data.server.version}, {query.data.server.mode} ·{' '}
            <Ago at={query.data.asOf} />
          </span>
        ) : null
      }
    >
      <QueryView query={query} rows={3}>
        {({ findings }) =>
          findings.length === 0 ? (
            <Empty title="Nothing to mend">The server's settings suit Rejoin.</Empty>
          ) : (
            <ul className="findings">
              {findings.map((finding) => (
                <Finding key={finding.code} finding={finding} />
              ))}
            </ul>
          )
        }
      </QueryView>
    </Card>
  );
}

function Finding({ finding }: { readonly finding: FindingView }) {
  const { tone, icon } = SEVERITIES[finding.severity];
  return (
    <li>
      <Badge tone={tone} icon={icon}>
        {finding.severity}
      </Badge>
      <div>
        <strong>{finding.title}</strong>
        <p>{finding.detail}</p>
        <p className="remedy">{finding.remedy}</p>
      </div>
    </li>
  );
}

function YouCard() {
  const view = useSession();
  const [theme, setTheme] = useState<Theme>(readTheme);
  return (
    <Card title="You">
      <Facts>
        <Fact name="Signed in as">{view.user}</Fact>
        <Fact name="Tenant">{view.tenant ?? 'all'}</Fact>
        <Fact name="Scopes">{view.scopes.join(', ')}</Fact>
        <Fact name="Token ends">
          <Time at={view.expiresAt} />
        </Fact>
      </Facts>
      <Choice
        label="Colours"
        value={theme}
        onChange={(next) => {
          applyTheme(next as Theme);
          setTheme(next as Theme);
        }}
        options={[
          ['system', 'As the system'],
          ['light', 'Light'],
          ['dark', 'Dark'],
        ]}
      />
      <p className="muted">
        Press <kbd>?</kbd> for the keyboard.
      </p>
    </Card>
  );
}
