export type { Actor } from './actor.ts';
export {
  AUDIT_ACTIONS,
  type AuditAction,
  type AuditPage,
  type AuditView,
  auditPage,
  auditView,
} from './audit/audit-view.ts';
export {
  type BlocksPage,
  type BlockView,
  blocksPage,
  blockView,
  type LiftOutcome,
  liftOutcome,
} from './blocks/block-view.ts';
export type { BlocksQuery, LiftRequest } from './blocks/blocks.ts';
export {
  type ConnectionsPage,
  type ConnectionView,
  connectionsPage,
  connectionView,
  type DisconnectOutcome,
  disconnectOutcome,
  type GatewayView,
  gatewayView,
} from './connections/connection-view.ts';
export type { ConnectionsQuery, DisconnectRequest } from './connections/connections.ts';
export { type CoveragePage, type CoverageView, coveragePage, coverageView } from './coverage/coverage-view.ts';
export {
  type DeadLetterCountsView,
  type DeadLetterDetail,
  type DeadLetterGroupView,
  type DeadLettersPage,
  type DeadLetterView,
  deadLetterCounts,
  deadLetterDetail,
  deadLetterGroup,
  deadLettersPage,
  deadLetterView,
} from './dead-letters/dead-letter-view.ts';
export type { DeadLetterRequest, DeadLettersQuery } from './dead-letters/dead-letters.ts';
export {
  type DeadLetterAction,
  deadLetterAction,
  type TasksPage,
  type TaskView,
  tasksPage,
  taskView,
} from './dead-letters/task-view.ts';
export { OperationError, type OperationErrorCode } from './errors.ts';
export type { EventsQuery } from './events/event-query.ts';
export { type EventsPage, type EventView, eventsPage, eventView } from './events/event-view.ts';
export {
  type GroupOutcome,
  type GroupsPage,
  groupOutcome,
  groupsPage,
  type MembersPage,
  membersPage,
} from './groups/group-view.ts';
export type { GroupChangeRequest, GroupsQuery } from './groups/groups.ts';
export {
  type DoctorView,
  doctorView,
  type FindingView,
  findingView,
  type SessionView,
  type SettingsView,
  sessionView,
  settingsView,
} from './installation-view.ts';
export { Operations, type OperationsOptions } from './operations.ts';
export { nextPage, type Page, pageOf } from './page.ts';
export {
  PARTITION_STATUSES,
  type PartitionStatus,
  partitionStatus,
  worstStatus,
} from './partitions/partition-status.ts';
export {
  type Lag,
  type LagSample,
  lag,
  lagSample,
  type PartitionDetail,
  type PartitionsPage,
  type PartitionView,
  partitionDetail,
  partitionsPage,
  partitionView,
  type WorkerView,
  workerView,
} from './partitions/partition-view.ts';
export { PARTITION_SORTS, type PartitionFact, type PartitionsQuery } from './partitions/partitions.ts';
export { type PauseOutcome, type PauseView, pauseOutcome, pauseView } from './pauses/pause-view.ts';
export { type PendingPage, type PendingView, pendingPage, pendingView } from './pending/pending-view.ts';
export { type TenantsPage, type TenantView, tenantsPage, tenantView } from './tenants/tenant-view.ts';
export { TENANT_SORTS, type TenantsQuery } from './tenants/tenants.ts';
export {
  type GatewayTrace,
  gatewayTrace,
  type TraceStep,
  type TraceView,
  traceStep,
  traceView,
  VERDICTS,
  type Verdict,
  type VerdictCode,
  verdict,
  verdictCode,
} from './trace/trace-view.ts';
export type { TraceQuery } from './trace/traces.ts';
