/** The audience rules cannot be used; each problem names its rule, as `rules[2].audience[0]`. */
export class InvalidAudienceRulesError extends Error {
  readonly code = 'INVALID_AUDIENCE_RULES';
  override readonly name = 'InvalidAudienceRulesError';
  readonly problems: readonly string[];

  /** @param origin where the rules come from, such as the path of their file */
  constructor(origin: string, problems: readonly string[], options?: ErrorOptions) {
    super(`audience rules of ${origin}: ${problems.join('; ')}`, options);
    this.problems = problems;
  }
}
