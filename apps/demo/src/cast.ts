/** Somebody whom the demo can sign in. */
export interface Member {
  /** Unique within the tenant alone: both tenants have an Anna, and neither sees the other's orders. */
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly role: 'staff' | 'customer';
}

export const TENANTS = ['acme', 'globex'] as const;

/** Everybody for whom a token can be had. */
export const CAST: readonly Member[] = [
  { id: 'sam', name: 'Sam', tenant: 'acme', role: 'staff' },
  { id: 'anna', name: 'Anna', tenant: 'acme', role: 'customer' },
  { id: 'ben', name: 'Ben', tenant: 'acme', role: 'customer' },
  { id: 'kim', name: 'Kim', tenant: 'globex', role: 'staff' },
  { id: 'anna', name: 'Anna', tenant: 'globex', role: 'customer' },
  { id: 'lou', name: 'Lou', tenant: 'globex', role: 'customer' },
];

export function membersOf(tenant: string, role: Member['role']): readonly Member[] {
  return CAST.filter((member) => member.tenant === tenant && member.role === role);
}
