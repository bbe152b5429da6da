import { formatCompact } from '../format/quantity.ts';

const WIDTH = 96;
const HEIGHT = 20;

/** An hour at a glance. A gap is what was not known. */
export function Sparkline({ values, label }: { readonly values: readonly (number | null)[]; readonly label: string }) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return <span className="sparkline" />;
  const top = Math.max(...known, 1);
  const step = WIDTH / Math.max(values.length - 1, 1);
  let path = '';
  let drawing = false;
  values.forEach((value, index) => {
    if (value === null) {
      drawing = false;
      return;
    }
    path += `${drawing ? 'L' : 'M'}${(index * step).toFixed(1)} ${(HEIGHT - 1 - (value / top) * (HEIGHT - 2)).toFixed(1)}`;
    drawing = true;
  });
  return (
    <svg
      className="sparkline"
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={`${label}, most ${formatCompact(Math.max(...known))}`}
    >
      <path d={path} fill="none" stroke="currentColor" strokeWidth="1.3" strokeLinejoin="round" />
    </svg>
  );
}
