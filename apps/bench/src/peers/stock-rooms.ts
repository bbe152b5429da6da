/** The room of one user, on the stock side. */
export function userRoom(tenant: string, user: string): string {
  return `${tenant}:user:${user}`;
}

/** The room of everybody in a tenant, on the stock side. */
export function tenantRoom(tenant: string): string {
  return `${tenant}:tenant`;
}
