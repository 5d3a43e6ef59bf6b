/** What a request does, in the words of the store. `other` is what a multipart upload needs beside its parts. */
export type RequestVerb = 'list' | 'head' | 'get' | 'put' | 'delete' | 'other'

/** How a request ended. */
export interface RequestOutcome {
  /** Of files, catalogs and leases, sent or received; what listings and headers take is not counted. */
  readonly bytes: number
  /** Why it failed; absence is no failure. */
  readonly error?: unknown
}

/** Called when a request starts (each attempt is one); what it returns is called when that request is over. */
export type RequestObserver = (verb: RequestVerb) => (outcome: RequestOutcome) => void

/** A client that can show the real requests below its methods. */
export interface Observable {
  /** @returns a function that ends the observation */
  observe(observer: RequestObserver): () => void
}

export function isObservable(client: object): client is Observable {
  return 'observe' in client && typeof client.observe === 'function'
}
