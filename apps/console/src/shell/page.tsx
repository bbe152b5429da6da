import { useEffect } from 'react';

/** A page's head and body; its name is the window's title too. */
export function Page({
  title,
  about,
  actions,
  children,
}: {
  readonly title: string;
  readonly about?: React.ReactNode;
  readonly actions?: React.ReactNode;
  readonly children: React.ReactNode;
}) {
  useEffect(() => {
    document.title = `${title} · Rejoin`;
  }, [title]);
  return (
    <>
      <header className="page-head">
        <div>
          <h1>{title}</h1>
          {about ? <p className="muted">{about}</p> : null}
        </div>
        {actions ? <div className="page-actions">{actions}</div> : null}
      </header>
      {children}
    </>
  );
}

export function Card({
  title,
  aside,
  children,
  flush = false,
}: {
  readonly title?: string;
  readonly aside?: React.ReactNode;
  readonly children: React.ReactNode;
  /** The content reaches the card's edges: a table. */
  readonly flush?: boolean;
}) {
  return (
    <section className={flush ? 'card flush' : 'card'} aria-label={title}>
      {title ? (
        <header className="card-head">
          <h2>{title}</h2>
          {aside}
        </header>
      ) : null}
      {children}
    </section>
  );
}

/** Facts by name. */
export function Facts({ children }: { readonly children: React.ReactNode }) {
  return <dl className="facts">{children}</dl>;
}

export function Fact({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** One figure that matters, in a row of such. */
export function Tile({
  name,
  children,
  note,
  tone,
}: {
  readonly name: string;
  readonly children: React.ReactNode;
  readonly note?: React.ReactNode;
  readonly tone?: 'warn' | 'bad';
}) {
  return (
    <div className={tone ? `tile tone-${tone}` : 'tile'}>
      <span className="tile-name">{name}</span>
      <span className="tile-value">{children}</span>
      <span className="tile-note">{note ?? '\u00a0'}</span>
    </div>
  );
}
