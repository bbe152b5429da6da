import { useId } from 'react';

export interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly help?: string;
  readonly error?: string | null;
  readonly placeholder?: string;
  readonly inputMode?: 'numeric' | 'text';
  readonly suggestions?: readonly string[];
  readonly required?: boolean;
}

/** A line of text with its label, help, and what is wrong with it. */
export function Field(props: FieldProps) {
  const { label, value, onChange, help, error, placeholder, inputMode, suggestions, required } = props;
  const id = useId();
  const told = error ?? help;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        value={value}
        required={required}
        autoComplete="off"
        spellCheck={false}
        placeholder={placeholder}
        inputMode={inputMode}
        list={suggestions ? `${id}-list` : undefined}
        aria-invalid={error ? true : undefined}
        aria-describedby={told ? `${id}-told` : undefined}
        onChange={(event) => onChange(event.target.value)}
      />
      {suggestions ? (
        <datalist id={`${id}-list`}>
          {suggestions.map((suggestion) => (
            <option key={suggestion} value={suggestion} />
          ))}
        </datalist>
      ) : null}
      {told ? (
        <p id={`${id}-told`} className={error ? 'field-error' : 'field-help'}>
          {told}
        </p>
      ) : null}
    </div>
  );
}

export interface ChoiceProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  /** Value and words. */
  readonly options: readonly (readonly [string, string])[];
}

export function Choice({ label, value, onChange, options }: ChoiceProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.target.value)}>
        {options.map(([option, words]) => (
          <option key={option} value={option}>
            {words}
          </option>
        ))}
      </select>
    </div>
  );
}
