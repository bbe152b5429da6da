import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { applyTheme, readTheme } from './shell/theme.ts';

applyTheme(readTheme());
createRoot(document.getElementById('root') as HTMLElement).render(<App />);
