/** 0 for nothing, then one more for each power of ten, at most 5: lag matters by its magnitude. */
export function heatOf(lag: number): number {
  return lag <= 0 ? 0 : Math.min(5, Math.floor(Math.log10(lag)) + 1);
}
