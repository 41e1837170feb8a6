/** Runs `action` when the signal aborts: now, if it has aborted already, because a listener that comes too late is never called. */
export function onAbort(signal: AbortSignal, action: () => void): void {
  if (signal.aborted) action()
  else signal.addEventListener('abort', action, { once: true })
}
