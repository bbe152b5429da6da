import type { PartitionsPage, SessionView } from '@rejoin/operations';
import { useEffect, useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { Link, useLocation } from 'wouter';
import { type LiveState, useLive, useLiveState, useNow } from '../api/live.ts';
import { session } from '../api/session.ts';
import { usePartitions } from '../api/use-partitions.ts';
import { plural } from '../format/quantity.ts';
import { formatDuration } from '../format/time.ts';
import { PageBoundary } from '../status/states.tsx';
import { Icon, type IconName } from './icon.tsx';
import { PAGES } from './pages.ts';
import { Shortcuts } from './shortcuts.tsx';
import { Logo } from './sign-in.tsx';

/** What stands around every page: navigation, who is signed in, how fresh things are, and what must not be missed. */
export function Shell({ view, children }: { readonly view: SessionView; readonly children: React.ReactNode }) {
  useLive();
  const [path] = useLocation();
  const [open, setOpen] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page closes the menu and begins at its top
  useEffect(() => {
    setOpen(false);
    scrollTo(0, 0);
  }, [path]);
  return (
    <div className={open ? 'shell nav-open' : 'shell'}>
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <aside className="side">
        <div className="side-head">
          <span className="brand">
            <Logo /> Rejoin
          </span>
          <Button
            className="button icon-only quiet nav-toggle"
            aria-label={open ? 'Close the menu' : 'Open the menu'}
            aria-expanded={open}
            onPress={() => setOpen(!open)}
          >
            <Icon name={open ? 'close' : 'menu'} />
          </Button>
        </div>
        <nav aria-label="Pages">
          {PAGES.map(({ path: to, name, icon }) => (
            <NavLink key={to} to={to} icon={icon} current={to === '/' ? path === '/' : path.startsWith(to)}>
              {name}
            </NavLink>
          ))}
        </nav>
        <footer className="side-foot">
          <LiveMark />
          <SignedIn view={view} />
        </footer>
      </aside>
      <main id="content" tabIndex={-1}>
        <Banners view={view} />
        <PageBoundary key={path}>{children}</PageBoundary>
      </main>
      <Shortcuts />
    </div>
  );
}

function NavLink(props: {
  readonly to: string;
  readonly icon: IconName;
  readonly current: boolean;
  readonly children: React.ReactNode;
}) {
  return (
    <Link className="nav-link" href={props.to} aria-current={props.current ? 'page' : undefined}>
      <Icon name={props.icon} />
      {props.children}
    </Link>
  );
}

const LIVE_WORDS: Readonly<Record<LiveState, { word: string; tone: string; help: string }>> = {
  live: { word: 'Live', tone: 'good', help: 'Changes are pushed as they happen' },
  connecting: { word: 'Connecting', tone: 'muted', help: 'Figures are read every few seconds until then' },
  lost: { word: 'Not live', tone: 'warn', help: 'The push channel is away; figures are read every few seconds' },
  off: { word: 'Not live', tone: 'muted', help: 'Figures are read every few seconds' },
};

function LiveMark() {
  const { word, tone, help } = LIVE_WORDS[useLiveState()];
  return (
    <span className={`live tone-${tone}`} role="status" title={help}>
      <span className="dot" aria-hidden="true" />
      {word}
    </span>
  );
}

function SignedIn({ view }: { readonly view: SessionView }) {
  return (
    <div className="signed-in">
      <Icon name="user" />
      <span className="signed-in-name" title={view.scopes.join(', ')}>
        {view.user}
        <small>{view.scopes.includes('ops:write') ? 'may act' : 'may look'}</small>
      </span>
      <Button className="button quiet small" onPress={() => session.signOut()}>
        Sign out
      </Button>
    </div>
  );
}

/** When a session that is about to end says so. */
const ENDING_MS = 5 * 60_000;

function Banners({ view }: { readonly view: SessionView }) {
  const now = useNow();
  const { data } = usePartitions();
  const left = Date.parse(view.expiresAt) - now;
  const paused = data?.items.filter((item) => item.paused !== null) ?? [];
  return (
    <>
      {paused.length > 0 ? <PauseBanner paused={paused} now={now} /> : null}
      {left < ENDING_MS ? (
        <p className="banner tone-warn" role="status">
          <Icon name="warn" /> Your token ends in {formatDuration(Math.max(left, 0))}. Sign in with a new one to go on.
        </p>
      ) : null}
    </>
  );
}

function PauseBanner({ paused, now }: { readonly paused: PartitionsPage['items']; readonly now: number }) {
  const first = paused[0];
  if (!first?.paused) return null;
  const left = Math.max(0, Date.parse(first.paused.until) - now);
  return (
    <p className="banner tone-warn" role="status">
      <Icon name="stall" />
      <span>
        {paused.length === 1 ? (
          <>
            <Link href={`/partitions/${first.partition}`}>Partition {first.partition}</Link> is paused for another{' '}
            {formatDuration(left)}
            {first.paused.by === null ? '' : ` by ${first.paused.by}`}: {first.paused.reason}
          </>
        ) : (
          <>
            {plural(paused.length, 'partition')} are paused: <Link href="/partitions?paused=1">show them</Link>
          </>
        )}
      </span>
    </p>
  );
}
