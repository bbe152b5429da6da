/** What an operator asks for, by the name that the result has for it. */
export interface Look {
  readonly name: string;
  readonly path: string;
}

export interface LookedAt {
  readonly tenant: string;
  readonly user: string;
  /** Id of an event that was fanned out. */
  readonly fannedOut: string;
  /** Id of an event that waits. */
  readonly waiting: string;
}

/** Every list of the operator API, with and without what makes it look further: filters that match nothing are the worst. */
export function operatorLooks({ tenant, user, fannedOut, waiting }: LookedAt): Look[] {
  return [
    { name: 'partitions', path: '/v1/partitions?limit=500' },
    { name: 'partitions, by lag', path: '/v1/partitions?limit=500&sort=lag&order=desc' },
    { name: 'pending', path: '/v1/partitions/0/pending' },
    { name: 'pending, of a tenant', path: '/v1/partitions/0/pending?tenant=nobody' },
    { name: 'events', path: '/v1/events' },
    { name: 'events, of a user', path: `/v1/events?tenant=${tenant}&audience=user:${user}` },
    { name: 'events, fanned out, of a type', path: '/v1/events?stage=fanned_out&type=nothing.like.it' },
    { name: 'events, of a type, oldest first', path: '/v1/events?order=oldest&type=nothing.like.it' },
    { name: 'events, of a type', path: '/v1/events?type=nothing.like.it' },
    { name: 'dead letters', path: '/v1/dead-letters' },
    { name: 'dead letters, of a tenant', path: `/v1/dead-letters?tenant=${tenant}` },
    { name: 'dead letters, of a code and time', path: '/v1/dead-letters?code=RESOLVER_TIMEOUT&since=1h' },
    { name: 'dead letters, of a type', path: '/v1/dead-letters?type=nothing.like.it' },
    { name: 'dead letters, counted', path: '/v1/dead-letters/groups' },
    { name: 'dead letters of a tenant, counted', path: `/v1/dead-letters/groups?tenant=${tenant}` },
    { name: 'coverage', path: '/v1/coverage' },
    { name: 'connections', path: '/v1/connections' },
    { name: 'connections, by lag behind the feed', path: '/v1/connections?sort=behind&order=desc' },
    { name: 'connections, of a user', path: `/v1/connections?tenant=${tenant}&user=${user}` },
    { name: 'audit', path: '/v1/audit' },
    { name: 'audit, of somebody', path: '/v1/audit?by=nobody' },
    { name: 'tenants', path: '/v1/tenants' },
    { name: 'tenants, by dead letters', path: '/v1/tenants?sort=deadLetters' },
    { name: 'trace', path: `/v1/events/${fannedOut}/trace?tenant=${tenant}&user=${user}` },
    { name: 'trace, without a tenant', path: `/v1/events/${fannedOut}/trace` },
    { name: 'trace of an event that waits', path: `/v1/events/${waiting}/trace` },
  ];
}
