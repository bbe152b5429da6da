import { useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';

export interface Series {
  readonly label: string;
  /** Name of a colour of the style sheet, `--…`. */
  readonly color: string;
  readonly values: readonly (number | null)[];
}

export interface LineChartProps {
  readonly label: string;
  /** Milliseconds since 1970, rising. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  readonly height?: number;
}

/** Lines over time. Gaps stay gaps: what was not known is not drawn as 0. */
export function LineChart({ label, times, series, format, height = 180 }: LineChartProps) {
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const theme = useThemeVersion();
  const shape = series.map(({ label: name, color }) => `${name}:${color}`).join();
  const latest = useRef({ times, series, format });
  latest.current = { times, series, format };

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new theme or other lines need a new chart; new values do not
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const plot = new uPlot(optionsOf(element, latest.current, height), dataOf(latest.current), element);
    chart.current = plot;
    const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
      chart.current = null;
    };
  }, [theme, shape, height]);

  useEffect(() => {
    chart.current?.setData(dataOf({ times, series }));
  }, [times, series]);

  return (
    <figure className="chart">
      <figcaption>
        {series.map(({ label: name, color, values }) => (
          <span key={name} className="legend">
            <span className={`swatch ${color.slice(2)}`} aria-hidden="true" />
            {name} <span className="number">{lastOf(values, format)}</span>
          </span>
        ))}
      </figcaption>
      <div
        ref={frame}
        role="img"
        aria-label={`${label}: ${series.map((one) => `${one.label} now ${lastOf(one.values, format)}`).join(', ')}`}
        style={{ height }}
      />
    </figure>
  );
}

function lastOf(values: readonly (number | null)[], format: (value: number) => string): string {
  const last = values.findLast((value) => value !== null);
  return last === undefined || last === null ? 'unknown' : format(last);
}

function dataOf({ times, series }: Pick<LineChartProps, 'times' | 'series'>): uPlot.AlignedData {
  return [times.map((at) => at / 1_000), ...series.map(({ values }) => [...values])];
}

function optionsOf(
  element: HTMLElement,
  { series, format }: Pick<LineChartProps, 'series' | 'format'>,
  height: number,
): uPlot.Options {
  const color = (name: string): string => resolvedColor(element, name);
  const axis: uPlot.Axis = {
    stroke: color('--text-2'),
    font: `11px ${getComputedStyle(element).fontFamily}`,
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: Math.max(element.clientWidth, 100),
    height,
    legend: { show: false },
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    scales: { y: { range: (_plot, _low, high) => [0, Math.max(high * 1.1, 1)] } },
    axes: [
      {
        ...axis,
        values: [
          [60, '{HH}:{mm}', null, null, null, null, null, null, 1],
          [1, '{HH}:{mm}:{ss}', null, null, null, null, null, null, 1],
        ],
        grid: { show: false },
      },
      { ...axis, size: 56, values: (_plot, values) => values.map((value) => format(value)) },
    ],
    series: [
      {},
      ...series.map(({ label, color: name }) => ({
        label,
        stroke: color(name),
        fill: color(name).replace('rgb(', 'rgba(').replace(')', ', 0.12)'),
        width: 1.5,
        spanGaps: false,
        points: { show: false },
      })),
    ],
  };
}

/** A canvas knows nothing of variables and themes: the colour as it is now, `rgb(…)`. */
function resolvedColor(element: HTMLElement, name: string): string {
  element.style.color = `var(${name})`;
  const { color } = getComputedStyle(element);
  element.style.color = '';
  return color;
}

/** Changes when the colours do. */
function useThemeVersion(): number {
  const [version, setVersion] = useState(0);
  useEffect(() => {
    const change = (): void => setVersion((before) => before + 1);
    const media = matchMedia('(prefers-color-scheme: dark)');
    media.addEventListener('change', change);
    const observer = new MutationObserver(change);
    observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
    return () => {
      media.removeEventListener('change', change);
      observer.disconnect();
    };
  }, []);
  return version;
}
