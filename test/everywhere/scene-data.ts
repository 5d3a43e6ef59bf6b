/** What a runtime has to know about the replica that it reads. */
export interface SceneData {
  /** Queries, and the rows that the system's SQLite gives, as `rowsText` writes them. */
  readonly queries: readonly { readonly sql: string; readonly rows: string }[]
  /** Older states: how many rows `moments` had at that TXID. */
  readonly past: readonly { readonly txid: string; readonly moments: number }[]
}

/** The reply of `POST /advance`: one more row in `moments`, and the TXID that has it. */
export interface Advanced {
  readonly txid: string
  readonly moments: number
}
