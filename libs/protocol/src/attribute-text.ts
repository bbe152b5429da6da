// With the `u` flag a surrogate matches only where it is not part of a pair.
const FORBIDDEN = /[\p{Control}\p{Surrogate}\p{Noncharacter_Code_Point}]/u;

/**
 * Whether `text` may stand in a CloudEvents string attribute: no control characters, no noncharacters, no lone
 * surrogates.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#type-system
 */
export function isAttributeText(text: string): boolean {
  return !FORBIDDEN.test(text);
}
