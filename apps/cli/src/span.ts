export type Tone = 'good' | 'warn' | 'bad' | 'dim' | 'bold';

/** A piece of a line. Its text says the same as its tone: nothing is told by colour alone. */
export type Span = string | { readonly text: string; readonly tone: Tone };
