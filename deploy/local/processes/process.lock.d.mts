/**
 * Calls `work` while this process holds the lock `file`. Waits while another process holds it, and takes over from a holder
 * that has died. In rare cases two processes that take over at the same moment both hold it: a lock saves work and conflicts,
 * and must not be the only guard of data. `onWait` is called once, before a wait. Rejects when the signal aborts a wait.
 */
export function withLock<T>(
  file: string,
  work: () => T | Promise<T>,
  options?: { readonly signal?: AbortSignal | undefined; readonly onWait?: () => void },
): Promise<T>;
