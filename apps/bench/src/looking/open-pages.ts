/** A request that somebody who looks makes again and again. */
export interface Repeated {
  readonly everyMs: number;
  readonly path: string;
}

/**
 * What the console asks for by itself while its overview, partitions and connections are open and in sight, each in a window of its
 * own: as `apps/console/src` has it, with its figures. Partitions come by push besides, to each of the pages.
 */
export const OPEN_PAGES: readonly { readonly name: string; readonly asks: readonly Repeated[] }[] = [
  {
    name: 'overview',
    asks: [
      { everyMs: 5_000, path: '/v1/connections?limit=1' },
      { everyMs: 15_000, path: '/v1/coverage?limit=500' },
      { everyMs: 10_000, path: '/v1/tenants?limit=6' },
      { everyMs: 10_000, path: '/v1/audit?limit=5' },
      { everyMs: 60_000, path: '/v1/doctor' },
    ],
  },
  { name: 'partitions', asks: [] },
  { name: 'connections', asks: [{ everyMs: 3_000, path: '/v1/connections?sort=connectedAt&order=desc&limit=50' }] },
];
