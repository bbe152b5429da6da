import { useEffect, useState } from 'react';
import { usePartitions } from '../api/use-partitions.ts';
import { LineChart } from '../chart/line-chart.tsx';
import { formatRate } from '../format/quantity.ts';
import { Card } from '../shell/page.tsx';
import { sumUp } from './totals.ts';

interface Point {
  readonly at: number;
  readonly in: number | null;
  readonly out: number | null;
}

/** As long as the page is open, at most a quarter of an hour. */
const MOST_MS = 15 * 60_000;
/** Kept while other pages are looked at. */
let points: readonly Point[] = [];

/** Rates since the console was opened. */
export function RateChart() {
  const { data } = usePartitions();
  const [shown, setShown] = useState(points);
  useEffect(() => {
    if (!data) return;
    const at = Date.parse(data.asOf);
    const last = points.at(-1);
    if (last && at <= last.at) return;
    const { inPerSecond, outPerSecond } = sumUp(data.items);
    points = [...points.filter((point) => point.at > at - MOST_MS), { at, in: inPerSecond, out: outPerSecond }];
    setShown(points);
  }, [data]);
  return (
    <Card title="Rates" aside={<span className="muted">since this page was opened</span>}>
      <LineChart
        label="Events a second"
        format={formatRate}
        height={200}
        times={shown.map(({ at }) => at)}
        series={[
          { label: 'In', color: '--chart-1', values: shown.map((point) => point.in) },
          { label: 'Out', color: '--chart-2', values: shown.map((point) => point.out) },
        ]}
      />
    </Card>
  );
}
