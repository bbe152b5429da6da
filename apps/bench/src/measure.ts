import type { Measure, Unit } from './scenario.ts';

interface Figures {
  readonly name: string;
  readonly unit: Unit;
  readonly rejoin: number;
  readonly stock: number | null;
  readonly interval?: { readonly low: number; readonly high: number };
  readonly goal?: {
    readonly text: string;
    reached(figures: { rejoin: number; stock: number; ratio: number }): boolean;
  };
}

/** A figure of which less is better. */
export function lowerIsBetter(figures: Figures): Measure {
  return measure(figures, (rejoin, stock) => stock / rejoin);
}

/** A figure of which more is better. */
export function higherIsBetter(figures: Figures): Measure {
  return measure(figures, (rejoin, stock) => rejoin / stock);
}

function measure(
  { name, unit, rejoin, stock, interval, goal }: Figures,
  better: (rejoin: number, stock: number) => number,
): Measure {
  const ratio = stock === null ? Number.NaN : better(rejoin, stock);
  return {
    name,
    unit,
    rejoin: rounded(rejoin),
    ...(interval && Number.isFinite(interval.low)
      ? { interval: { low: rounded(interval.low), high: rounded(interval.high) } }
      : {}),
    stock: stock === null ? null : rounded(stock),
    ratio: Number.isFinite(ratio) ? rounded(ratio) : null,
    goal: goal ? { text: goal.text, reached: goal.reached({ rejoin, stock: stock ?? Number.NaN, ratio }) } : null,
  };
}

/** To four significant digits, and no less than whole numbers. */
function rounded(value: number): number {
  return Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(4));
}
