/** The keys of one partition. All carry the partition's hash tag, so one cluster slot holds them and one script may
 * touch them together. `docs/reference/redis-keys.md` describes what each holds. */
export interface PartitionKeys {
  readonly partition: number;
  readonly events: string;
  readonly feed: string;
  readonly done: string;
  readonly ahead: string;
  readonly floor: string;
  readonly floorAddressed: string;
  readonly epoch: string;
  readonly lease: string;
  readonly fence: string;
  readonly owner: string;
  readonly seen: string;
  readonly seenBefore: string;
  readonly handled: string;
  readonly feedBytes: string;
  readonly full: string;
  readonly dead: string;
  readonly deadOrder: string;
  readonly deadIndex: string;
  readonly tombstones: string;
  readonly tombstoneOrder: string;
  readonly parked: string;
  readonly parkedOrder: string;
  readonly scheduled: string;
  readonly scheduledOrder: string;
  readonly trial: string;
  readonly paused: string;
  readonly upkept: string;
  /** Names of events that were handled within one hour since the Unix epoch, of those in one of the hour's parts. */
  eventIndex(hour: number, part: number): string;
  /** What one redrive did in this partition. */
  redriven(jobId: string): string;
  room(room: string): string;
  /** Who is in a group, by the group's room. */
  members(room: string): string;
  /** The groups of a user, by the user's room. */
  groupsOf(room: string): string;
  /** The groups of a tenant that have members. */
  groupNames(tenantId: string): string;
  /** Stream of changes of membership. */
  readonly groupChanges: string;
  session(pid: string): string;
  /** Marks of what was read in a user's room. */
  read(room: string): string;
}

/** Every key name of an installation. A key is never spelled anywhere else. */
export interface Keyspace {
  readonly prefix: string;
  /** Hash: what was fixed when the installation was first started. */
  readonly installation: string;
  /** Sorted set: worker id, scored by the time of its last heartbeat in milliseconds of Redis' clock. */
  readonly workers: string;
  /** Stream of the Socket.IO adapter's control traffic. */
  readonly adapterStream: string;
  readonly adapterChannel: string;
  /** Stream of who was shut out, and until when. */
  readonly revocations: string;
  /** Sorted set: gateway id, scored by its last heartbeat in milliseconds of Redis' clock. */
  readonly gateways: string;
  /** Channel on which operators ask gateways. */
  readonly control: string;
  /** Stream of what operators did. */
  readonly audit: string;
  /** First part of every key of BullMQ, with a hash tag of its own. */
  readonly jobs: string;
  /** Present where a task was told to end. */
  cancelled(taskId: string): string;
  /** Beginning of the keys that count for one kind of limit. */
  limits(kind: string): string;
  partition(partition: number): PartitionKeys;
}

/** The consumer group on every event stream, and its one consumer. */
export const GROUP = 'bridge';
export const CONSUMER = 'worker';

const PREFIX = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * @param prefix first word of every key and hash tag: letters, digits, `_` and `-`
 * @throws RangeError where it is anything else
 */
export function keyspace(prefix = 'rejoin'): Keyspace {
  if (!PREFIX.test(prefix)) throw new RangeError(`key prefix "${prefix}" must consist of letters, digits, _ and -`);
  const partitions = new Map<number, PartitionKeys>();
  return {
    prefix,
    installation: `${prefix}:installation`,
    workers: `${prefix}:workers`,
    adapterStream: `${prefix}:socket.io`,
    adapterChannel: `${prefix}:socket.io`,
    revocations: `${prefix}:revocations`,
    gateways: `${prefix}:gateways`,
    control: `${prefix}:control`,
    audit: `${prefix}:audit`,
    jobs: `{${prefix}:jobs}`,
    cancelled: (taskId) => `{${prefix}:jobs}:cancelled:${taskId}`,
    limits: (kind) => `${prefix}:limit:${kind}`,
    partition(partition) {
      let keys = partitions.get(partition);
      if (!keys) {
        keys = partitionKeys(prefix, partition);
        partitions.set(partition, keys);
      }
      return keys;
    },
  };
}

function partitionKeys(prefix: string, partition: number): PartitionKeys {
  const tag = `{${prefix}:${partition}}`;
  return {
    partition,
    events: `${tag}:events`,
    feed: `${tag}:feed`,
    done: `${tag}:done`,
    ahead: `${tag}:ahead`,
    floor: `${tag}:floor`,
    floorAddressed: `${tag}:floor-addressed`,
    epoch: `${tag}:epoch`,
    lease: `${tag}:lease`,
    fence: `${tag}:fence`,
    owner: `${tag}:owner`,
    seen: `${tag}:seen`,
    seenBefore: `${tag}:seen-before`,
    handled: `${tag}:handled`,
    feedBytes: `${tag}:feed-bytes`,
    full: `${tag}:full`,
    dead: `${tag}:dead`,
    deadOrder: `${tag}:dead-order`,
    deadIndex: `${tag}:dead-index`,
    tombstones: `${tag}:tombstones`,
    tombstoneOrder: `${tag}:tombstone-order`,
    parked: `${tag}:parked`,
    parkedOrder: `${tag}:parked-order`,
    scheduled: `${tag}:scheduled`,
    scheduledOrder: `${tag}:scheduled-order`,
    trial: `${tag}:trial`,
    paused: `${tag}:paused`,
    upkept: `${tag}:upkept`,
    eventIndex: (hour, part) => `${tag}:event-index:${hour}:${part}`,
    redriven: (jobId) => `${tag}:redriven:${jobId}`,
    room: (room) => `${tag}:room:${room}`,
    members: (room) => `${tag}:members:${room}`,
    groupsOf: (room) => `${tag}:groups-of:${room}`,
    groupNames: (tenantId) => `${tag}:group-names:${encodeURIComponent(tenantId)}`,
    groupChanges: `${tag}:group-changes`,
    session: (pid) => `${tag}:session:${pid}`,
    read: (room) => `${tag}:read:${room}`,
  };
}
