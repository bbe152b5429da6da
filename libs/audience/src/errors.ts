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

/** The resolvers of a module cannot be used; each problem names its resolver, as `[2].resolve`. */
export class InvalidResolversError extends Error {
  readonly code = 'INVALID_RESOLVERS';
  override readonly name = 'InvalidResolversError';
  readonly problems: readonly string[];

  /** @param path of the module */
  constructor(path: string, problems: readonly string[], options?: ErrorOptions) {
    super(`audience resolvers of ${path}: ${problems.join('; ')}`, options);
    this.problems = problems;
  }
}

/** For a resolver to throw: nobody may see the event, and asking again is of no use. It is dead-lettered with the message.
 * A module that cannot import this class throws an error of its own with this `code`. */
export class AudienceRefusedError extends Error {
  readonly code = 'AUDIENCE_REFUSED';
  override readonly name = 'AudienceRefusedError';
}

/** A group, or the name of one of its members, cannot be what it is said to be. */
export class InvalidGroupError extends Error {
  readonly code = 'INVALID_GROUP';
  override readonly name = 'InvalidGroupError';
}

/** A user would be in more groups than one may be, or a group have more members than it may. */
export class GroupLimitError extends Error {
  readonly code = 'GROUP_LIMIT';
  override readonly name = 'GroupLimitError';
}
