/** How often something may happen. */
export interface Rates {
  /** Handshakes of one address in a minute, over all gateways. */
  readonly handshakesPerAddress: number;
  /** Handshakes of one user in a minute, over all gateways. */
  readonly handshakesPerUser: number;
  /** Commands of one socket in ten seconds. */
  readonly commandsPerSocket: number;
  /** Commands of one user in ten seconds, over all gateways. */
  readonly commandsPerUser: number;
}

export const DEFAULT_RATES: Rates = {
  handshakesPerAddress: 12_000,
  handshakesPerUser: 3_000,
  commandsPerSocket: 100,
  commandsPerUser: 300,
};
