import { Component } from 'react';
import { Button } from 'react-aria-components/Button';
import { ApiError } from '../api/api-client.ts';
import { Icon, type IconName } from '../shell/icon.tsx';

/** Where there is nothing: what that means, and what to do next. */
export function Empty({
  title,
  icon = 'ok',
  children,
}: {
  readonly title: string;
  readonly icon?: IconName;
  readonly children?: React.ReactNode;
}) {
  return (
    <div className="state">
      <span className="state-icon">
        <Icon name={icon} size={20} />
      </span>
      <p className="state-title">{title}</p>
      {children ? <div className="state-text">{children}</div> : null}
    </div>
  );
}

/** What went wrong, in the server's words, and what to do about it. */
export function Failure({ error, onRetry }: { readonly error: Error; readonly onRetry?: () => void }) {
  const { title, text } = explain(error);
  return (
    <div className="state failure" role="alert">
      <span className="state-icon">
        <Icon name="warn" size={20} />
      </span>
      <p className="state-title">{title}</p>
      <div className="state-text">
        <p>{text}</p>
        {error instanceof ApiError && error.fields.length > 0 ? (
          <ul>
            {error.fields.map(({ path, message }) => (
              <li key={path}>
                <code>{path}</code> {message}
              </li>
            ))}
          </ul>
        ) : null}
        {error instanceof ApiError && error.status > 0 ? (
          <p className="muted">
            {error.status} <code>{error.code}</code>
          </p>
        ) : null}
      </div>
      {onRetry ? (
        <Button className="button" onPress={onRetry}>
          Try again
        </Button>
      ) : null}
    </div>
  );
}

function explain(error: Error): { title: string; text: string } {
  if (!(error instanceof ApiError)) return { title: 'The page failed', text: error.message };
  const text = error.message;
  switch (error.status) {
    case 0:
      return { title: 'No answer', text };
    case 403:
      return { title: 'Not allowed', text: `${text}. Sign in with a token that may see it.` };
    case 404:
      return { title: 'Not found', text };
    case 429:
      return { title: 'Too many requests', text };
    case 503:
      return { title: 'Not available now', text };
    default:
      return { title: error.status < 500 ? 'The server refused' : 'The server failed', text };
  }
}

function Loading({ rows = 6, label = 'Loading' }: { readonly rows?: number; readonly label?: string }) {
  return (
    <div className="loading" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all the same
        <span key={row} className="skeleton" />
      ))}
    </div>
  );
}

interface QueryState<T> {
  readonly data: T | undefined;
  readonly error: Error | null;
  readonly isPending: boolean;
  readonly refetch: () => unknown;
}

/** An answer of the API in whichever state it is. Data that was there stays when a later request fails, marked as old. */
export function QueryView<T>({
  query,
  rows = 6,
  children,
}: {
  readonly query: QueryState<T>;
  readonly rows?: number;
  readonly children: (data: T) => React.ReactNode;
}) {
  const { data, error, refetch } = query;
  if (data === undefined) {
    return error ? <Failure error={error} onRetry={() => void refetch()} /> : <Loading rows={rows} />;
  }
  return (
    <>
      {error ? (
        <p className="notice tone-warn" role="status">
          <Icon name="warn" size={14} /> This is old: {error.message}
        </p>
      ) : null}
      {children(data)}
    </>
  );
}

/** A page that throws leaves the shell standing. */
export class PageBoundary extends Component<{ readonly children: React.ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override render() {
    if (this.state.error) return <Failure error={this.state.error} onRetry={() => this.setState({ error: null })} />;
    return this.props.children;
  }
}
