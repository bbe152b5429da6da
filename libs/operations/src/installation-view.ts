import * as v from 'valibot';
import { count, described, time } from './described.ts';

/** What is to be said about the server's settings. */
export const findingView = v.object({
  code: v.string(),
  severity: v.picklist(['critical', 'warning', 'info']),
  title: v.string(),
  detail: v.string(),
  remedy: v.string(),
});

export type FindingView = v.InferOutput<typeof findingView>;

/** `GET /v1/doctor` */
export const doctorView = v.object({
  asOf: time,
  prefix: v.string(),
  partitions: count,
  server: v.object({ name: v.string(), version: v.string(), mode: v.string() }),
  findings: v.array(findingView),
});

export type DoctorView = v.InferOutput<typeof doctorView>;

/** `GET /v1/session`: whom the token stands for, and what it may do. */
export const sessionView = v.object({
  user: v.string(),
  tenant: described(v.nullable(v.string()), 'the one tenant that it sees; null: all'),
  scopes: v.array(v.string()),
  expiresAt: time,
});

export type SessionView = v.InferOutput<typeof sessionView>;

/** `GET /v1/settings`: how this installation is set up. No secrets. */
export const settingsView = v.object({
  prefix: v.string(),
  partitions: count,
  replayWindowMs: v.number(),
  replayMaxBytes: v.number(),
  maxBacklog: v.number(),
});

export type SettingsView = v.InferOutput<typeof settingsView>;
