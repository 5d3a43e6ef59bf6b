/**
 * Call what a caller has given to be told something. That it fails is neither the failure of what it was told of, nor
 * to be lost: it is thrown where nobody catches it, as a listener's error is.
 */
export function tell<T>(listener: ((value: T) => void) | undefined, value: T): void {
  try {
    listener?.(value)
  } catch (error) {
    report(error)
  }
}

/** Where nobody is told, that is where uncaught errors go. */
function report(error: unknown): void {
  if (typeof globalThis.reportError === 'function') globalThis.reportError(error)
  else {
    queueMicrotask(() => {
      throw error
    })
  }
}
