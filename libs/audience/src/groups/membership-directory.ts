/** A group as its directory knows it. */
export interface GroupMembers {
  readonly size: number;
  /** The rooms of its members, or `null` where there are more than {@link MAX_EXPANDED_MEMBERS}. */
  readonly rooms: readonly string[] | null;
}

/** A group with more members is reached through a room of its own. */
export const MAX_EXPANDED_MEMBERS = 1_000;

/**
 * Who is in which group. A group is known by its tenant and its name; one that nobody ever heard of has no members.
 */
export interface MembershipDirectory {
  /** Answers at once where it can. What it rejects with is a transient failure. */
  members(tenantId: string, group: string): GroupMembers | Promise<GroupMembers>;
}
