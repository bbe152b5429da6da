/** Drawn on 16 × 16, in the colour of the text beside them. They say nothing alone: a word always stands with them. */
const PATHS = {
  overview: 'M2 9h3l2-6 3 10 2-4h2',
  partitions: 'M2 3h12M2 8h12M2 13h12M5 1.5v3M10 6.5v3M7 11.5v3',
  pending: 'M8 4.5V8l2.5 1.5M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12Z',
  dead: 'M2.5 4.5h11v8h-11zM2.5 5l5.5 4 5.5-4',
  events: 'M3 4h10M3 8h7M3 12h4M12.5 11a1.8 1.8 0 1 1-3.6 0 1.8 1.8 0 0 1 3.6 0ZM12 12.3l1.8 1.8',
  trace: 'M3 3.5h0M3 8h0M3 12.5h0M6 3.5h7M6 8h5M6 12.5h7M3 4.5V7M3 9v2.5',
  coverage: 'M2.5 8A5.5 5.5 0 1 1 4 11.8M2.5 12.5V9.5h3M8 5v3.2l2 1.3',
  connections: 'M5.5 8h5M6.5 5H5a3 3 0 0 0 0 6h1.5M9.5 5H11a3 3 0 0 1 0 6H9.5',
  blocks: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0ZM3.8 3.8l8.4 8.4',
  groups:
    'M6 7.5a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4ZM1.8 13c.5-2.3 2.1-3.4 4.2-3.4s3.7 1.1 4.2 3.4M10.2 3.3a2.2 2.2 0 0 1 0 4M12 9.9c1.2.5 2 1.5 2.2 3.1',
  audit: 'M4 2h6l3 3v9H4zM9.5 2v3.5H13M6.5 8.5h4M6.5 11h4',
  settings:
    'M2.5 5h6M11.5 5h2M2.5 11h2M7.5 11h6M10 6.7a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4ZM6 12.7a1.7 1.7 0 1 0 0-3.4 1.7 1.7 0 0 0 0 3.4Z',
  ok: 'M3 8.5 6.5 12 13 4.5',
  warn: 'M8 2.5 14.5 13.5h-13zM8 6.5v3.2M8 11.7v.1',
  stop: 'M5.2 1.8h5.6l3.4 3.4v5.6l-3.4 3.4H5.2l-3.4-3.4V5.2zM5.6 5.6l4.8 4.8M10.4 5.6l-4.8 4.8',
  stall: 'M5.5 3.5v9M10.5 3.5v9',
  rewind: 'M8 4 3 8l5 4zM13 4 8 8l5 4z',
  unknown: 'M5.7 6A2.3 2.3 0 1 1 8 8.4v1.2M8 12v.1',
  search: 'M11 7a4 4 0 1 1-8 0 4 4 0 0 1 8 0ZM10 10l3.5 3.5',
  menu: 'M2 4h12M2 8h12M2 12h12',
  close: 'M4 4l8 8M12 4l-8 8',
  next: 'M6 3.5 10.5 8 6 12.5',
  sun: 'M8 10.7a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4ZM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9',
  copy: 'M5.5 5.5h8v8h-8zM3 10.5h-.5v-8h8V3',
  play: 'M5 3.5 12.5 8 5 12.5z',
  user: 'M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8ZM2.8 14c.6-2.7 2.6-4 5.2-4s4.6 1.3 5.2 4',
  sort: 'M5 6l3-3 3 3M5 10l3 3 3-3',
  up: 'M4.5 9.5 8 6l3.5 3.5',
  down: 'M4.5 6.5 8 10l3.5-3.5',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg className="icon" width={size} height={size} viewBox="0 0 16 16" fill="none" aria-hidden="true">
      <path d={PATHS[name]} stroke="currentColor" strokeWidth="1.4" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
