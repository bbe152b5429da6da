/**
 * Where the position of a client outlives its page. Keys name the tenant and the user, so a store may hold those of several
 * users; values are opaque. A store that fails is reported and otherwise ignored: the client then lives on what it has in memory.
 */
export interface CursorStore {
  get(key: string): string | null | undefined | Promise<string | null | undefined>;
  /** What it returns is awaited. */
  set(key: string, value: string): unknown;
}

/** Keeps positions as long as the page lives. The default. */
export function memoryStore(): CursorStore {
  return new Map<string, string>();
}

/** Keeps positions in a `Storage`, the browser's `localStorage` by default; they are written before a page is left. */
export function localStorageStore(storage: Pick<Storage, 'getItem' | 'setItem'> = localStorage): CursorStore {
  return {
    get: (key) => storage.getItem(key),
    set: (key, value) => storage.setItem(key, value),
  };
}

const OBJECTS = 'cursors';

/** Keeps positions in IndexedDB, which web workers have too. What a page handled in its last moments may be handed again. */
export function indexedDbStore(database = 'rejoin', factory: IDBFactory = indexedDB): CursorStore {
  let opened: Promise<IDBDatabase> | undefined;
  const open = (): Promise<IDBDatabase> => {
    const request = factory.open(database, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(OBJECTS);
    return settled(request);
  };
  const objects = async (mode: IDBTransactionMode): Promise<IDBObjectStore> => {
    opened ??= open();
    try {
      return (await opened).transaction(OBJECTS, mode).objectStore(OBJECTS);
    } catch (error) {
      opened = undefined;
      throw error;
    }
  };
  return {
    get: async (key) => settled((await objects('readonly')).get(key) as IDBRequest<string | undefined>),
    set: async (key, value) => settled((await objects('readwrite')).put(value, key)),
  };
}

function settled<Result>(request: IDBRequest<Result>): Promise<Result> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('IndexedDB failed'));
  });
}
