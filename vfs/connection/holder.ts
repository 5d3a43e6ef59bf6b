/** Who has a connection of the pool: a query, a transaction or an iterator. */
export interface Holder {
  /** Since when it asks its connection for nothing, on the pool's clock; undefined while a call is under way. */
  readonly idleSince: number | undefined
  /** The holder within whose transaction it was begun, as far as that is known. */
  readonly within: Holder | undefined
}

/**
 * Whether nobody will ever give a connection back: each is held by a transaction that itself waits for one.
 * @param waiting for each that waits: the transaction within which it was asked for, as far as that is known
 * @param size connections that there may be
 */
export function isDeadlocked(
  holders: ReadonlySet<Holder>,
  waiting: Iterable<Holder | undefined>,
  size: number,
): boolean {
  const stuck = new Set<Holder>()
  for (const within of waiting) {
    for (let holder = within; holder !== undefined; holder = holder.within) if (holders.has(holder)) stuck.add(holder)
  }
  return stuck.size >= size
}

/** How long nobody of these has asked for anything; undefined while anybody does, or when a connection is not held yet. */
export function idleMs(holders: ReadonlySet<Holder>, size: number, now: number): number | undefined {
  if (holders.size < size) return undefined
  let last = Number.NEGATIVE_INFINITY
  for (const { idleSince } of holders) {
    if (idleSince === undefined) return undefined
    last = Math.max(last, idleSince)
  }
  return now - last
}
