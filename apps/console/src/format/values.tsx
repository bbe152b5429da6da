import type { Lag } from '@rejoin/operations';
import { useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { useNow } from '../api/live.ts';
import { Icon } from '../shell/icon.tsx';
import { formatCompact, formatCount, formatRate } from './quantity.ts';
import { formatDuration, formatPreciseTime, formatTime } from './time.ts';

/** What is not known says so, and why where the server knows why; it is never shown as 0. */
export function Unknown({ why }: { readonly why?: string | null }) {
  return (
    <span className="muted" title={why ?? undefined}>
      unknown
    </span>
  );
}

/** There is none; that is known. */
export function None({ what = 'none' }: { readonly what?: string }) {
  return (
    <span className="muted">
      <span aria-hidden="true">–</span>
      <span className="for-readers">{what}</span>
    </span>
  );
}

export function Count({ value }: { readonly value: number }) {
  return <span className={value === 0 ? 'number muted' : 'number'}>{formatCount(value)}</span>;
}

export function LagValue({ lag, reason }: { readonly lag: Lag | null; readonly reason: string | null }) {
  if (!lag) return <Unknown why={reason} />;
  const text = `${lag.exact ? '' : '≥ '}${formatCompact(lag.value)}`;
  return (
    <span className={lag.value === 0 && lag.exact ? 'number muted' : 'number'} title={reason ?? formatCount(lag.value)}>
      {text}
    </span>
  );
}

export function Rate({ value }: { readonly value: number | null }) {
  if (value === null) return <Unknown />;
  return <span className={value === 0 ? 'number muted' : 'number'}>{formatRate(value)}</span>;
}

/** An age; `null`: there is nothing that would have one. */
export function Age({ ms }: { readonly ms: number | null }) {
  return ms === null ? <None /> : <span className="number">{formatDuration(ms)}</span>;
}

export function Time({ at, precise = false }: { readonly at: string | null; readonly precise?: boolean }) {
  if (at === null) return <Unknown why="nobody recorded it" />;
  const date = new Date(at);
  return (
    <time className="number" dateTime={at} title={at}>
      {precise ? formatPreciseTime(date) : formatTime(date)}
    </time>
  );
}

/** `12 s ago`, and the time itself on hovering. */
export function Ago({ at }: { readonly at: string }) {
  const now = useNow();
  const seconds = Math.floor((now - Date.parse(at)) / 1_000);
  return (
    <time className="number" dateTime={at} title={`${formatPreciseTime(new Date(at))} · ${at}`}>
      {seconds < 2 ? 'just now' : `${seconds < 60 ? `${seconds} s` : formatDuration(seconds * 1_000)} ago`}
    </time>
  );
}

/** An ID, which is long and wanted elsewhere: a click takes it along. */
export function Id({ value, short = false }: { readonly value: string; readonly short?: boolean }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    navigator.clipboard.writeText(value).then(
      () => {
        setCopied(true);
        setTimeout(() => setCopied(false), 1_200);
      },
      () => setCopied(false),
    );
  };
  return (
    <span className="id">
      <code title={value}>{short && value.length > 18 ? `${value.slice(0, 8)}…${value.slice(-6)}` : value}</code>
      <Button className="copy" onPress={copy} aria-label={copied ? `${value} copied` : `Copy ${value}`}>
        <Icon name={copied ? 'ok' : 'copy'} size={12} />
      </Button>
    </span>
  );
}
