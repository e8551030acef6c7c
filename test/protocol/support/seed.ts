/** The seed of this run's random tests: ODRADEK_SEED to repeat one, else a fixed one. fast-check prints it on failure. */
export const seed = Number(process.env['ODRADEK_SEED'] ?? 20251121);
