import * as v from 'valibot';

type Schema = v.BaseSchema<unknown, unknown, v.BaseIssue<unknown>>;

/** A schema with words for the API's description. */
export function described<const S extends Schema>(
  schema: S,
  text: string,
): v.SchemaWithPipe<readonly [S, v.DescriptionAction<v.InferOutput<S>, string>]> {
  return v.pipe(schema, v.description(text)) as never;
}

/** An RFC 3339 time in UTC, with milliseconds. */
export const time = described(v.string(), 'RFC 3339 time');

/** A Redis stream entry ID, `<milliseconds>-<sequence>`; always text, for its parts may be beyond 2^53. */
export const entryId = described(v.string(), 'entry ID, <milliseconds>-<sequence>');

export const partitionNumber = v.pipe(v.number(), v.integer(), v.minValue(0));

export const count = v.pipe(v.number(), v.integer(), v.minValue(0));

export const milliseconds = described(v.number(), 'milliseconds');
