import type { IconName } from './icon.tsx';

export interface PageEntry {
  readonly path: string;
  readonly name: string;
  readonly icon: IconName;
  /** The key after `g` that goes there. */
  readonly key: string;
}

export const PAGES: readonly PageEntry[] = [
  { path: '/', name: 'Overview', icon: 'overview', key: 'o' },
  { path: '/partitions', name: 'Partitions', icon: 'partitions', key: 'p' },
  { path: '/pending', name: 'Pending', icon: 'pending', key: 'n' },
  { path: '/dead-letters', name: 'Dead letters', icon: 'dead', key: 'd' },
  { path: '/events', name: 'Events', icon: 'events', key: 'e' },
  { path: '/trace', name: 'Trace', icon: 'trace', key: 't' },
  { path: '/coverage', name: 'Coverage', icon: 'coverage', key: 'r' },
  { path: '/connections', name: 'Connections', icon: 'connections', key: 'c' },
  { path: '/blocks', name: 'Blocks', icon: 'blocks', key: 'b' },
  { path: '/groups', name: 'Groups', icon: 'groups', key: 'm' },
  { path: '/audit', name: 'Audit', icon: 'audit', key: 'a' },
  { path: '/settings', name: 'Settings', icon: 'settings', key: 's' },
];
