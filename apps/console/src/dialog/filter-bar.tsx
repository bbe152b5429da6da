import { useEffect, useState } from 'react';
import { Field, type FieldProps } from './field.tsx';

/** The filters above a list. `/` goes to the first of them. */
export function FilterBar({ children, label }: { readonly children: React.ReactNode; readonly label: string }) {
  return (
    <search className="filters" aria-label={label}>
      {children}
    </search>
  );
}

const PAUSE_MS = 300;

/** A filter that is asked for when the typing pauses, not with every letter. */
export function FilterField({ value, onChange, ...field }: FieldProps) {
  const [draft, setDraft] = useState(value);
  const [before, setBefore] = useState(value);
  if (before !== value) {
    // Changed from elsewhere: a link, or "clear".
    setBefore(value);
    setDraft(value);
  }
  useEffect(() => {
    if (draft === value) return;
    const timer = setTimeout(() => onChange(draft.trim()), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [draft, value, onChange]);
  return <Field {...field} value={draft} onChange={setDraft} />;
}
