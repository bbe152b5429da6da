/** The seed of tests whose moments are random: `REJOIN_E2E_SEED`, or always the same. It stands in the names of the tests. */
export const SEED = Number(process.env.REJOIN_E2E_SEED ?? 20_260_131);
