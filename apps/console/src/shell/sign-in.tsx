import { useState } from 'react';
import { Button } from 'react-aria-components/Button';
import { session } from '../api/session.ts';
import { Icon } from './icon.tsx';

/** Asks for an operator's token. It is tried at once: a wrong one brings its reason here. */
export function SignIn({ notice }: { readonly notice: string | null }) {
  const [token, setToken] = useState('');
  return (
    <main className="sign-in">
      <form
        className="card"
        onSubmit={(event) => {
          event.preventDefault();
          const given = token.trim().replace(/^bearer\s+/i, '');
          if (given !== '') session.signIn(given);
        }}
      >
        <h1 className="brand">
          <Logo /> Rejoin
        </h1>
        <p className="muted">Sign in with an operator's token: a JWT with the scope ops:read, and ops:write to act.</p>
        {notice ? (
          <p className="notice tone-warn" role="alert">
            <Icon name="warn" size={14} /> {notice}
          </p>
        ) : null}
        <div className="field">
          <label htmlFor="token">Token</label>
          <input
            id="token"
            type="password"
            autoComplete="off"
            spellCheck={false}
            value={token}
            onChange={(event) => setToken(event.target.value)}
            placeholder="eyJ…"
          />
          <p className="field-help">
            Kept in this tab only. Beside a local <code>npm start</code>, open the console's address from its table: it
            signs you in.
          </p>
        </div>
        <Button className="button primary wide" type="submit" isDisabled={token.trim() === ''}>
          Sign in
        </Button>
      </form>
    </main>
  );
}

export function Logo() {
  return (
    <svg className="logo" width="20" height="20" viewBox="0 0 20 20" fill="none" aria-hidden="true">
      <path d="M2 10h4.5M13.5 10H18" stroke="currentColor" strokeWidth="2.2" strokeLinecap="round" />
      <path d="M6.5 10c0-5 7-5 7 0" stroke="var(--accent)" strokeWidth="2.2" strokeLinecap="round" />
      <circle cx="6.5" cy="10" r="1.9" fill="currentColor" />
      <circle cx="13.5" cy="10" r="1.9" fill="currentColor" />
    </svg>
  );
}
