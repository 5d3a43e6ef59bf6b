/**
 * Do something to every item, several at a time. Every one is tried before a failure is thrown.
 * @throws the first failure; the signal's reason, after which no further one is tried
 */
export async function tryEach<T>(
  items: readonly T[],
  { atOnce, signal }: { readonly atOnce: number; readonly signal: AbortSignal | undefined },
  act: (item: T) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = []
  let next = 0
  const work = async (): Promise<void> => {
    while (next < items.length && !signal?.aborted) {
      const item = items[next++]!
      await act(item).catch((error) => failures.push(error))
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work))
  signal?.throwIfAborted()
  if (failures.length > 0) throw failures[0]
}
