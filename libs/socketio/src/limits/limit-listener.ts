/** What is told about limits, for metrics and logs. */
export interface LimitListener {
  /** Somebody was refused; `scope` names the limit. */
  onLimited(scope: string): void;
  /** Counting failed; the next round mends it. */
  onError(error: unknown): void;
}
