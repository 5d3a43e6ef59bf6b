/** Knows for which holder of a connection the code runs that asks, in runtimes that can tell. */
export interface CallContext<H> {
  /** Run work, and all that it begins, for a holder. */
  run<T>(holder: H, work: () => T): T
  /** Undefined outside of any work. */
  current(): H | undefined
}
