/** A query, and the rows that the system's SQLite gives, as `rowsText` writes them. */
export interface Answered {
  readonly sql: string
  readonly rows: string
}

/** What a runtime has to know about the replica that it reads. */
export interface SceneData {
  readonly queries: readonly Answered[]
  /** They nest as deeply as SQL allows, and read pages while they do. */
  readonly deep: readonly Answered[]
  /** It needs much more memory while it reads than before it began. */
  readonly growing: Answered
  /** To be read side by side. */
  readonly streams: readonly Answered[]
  /** Older states: how many rows `moments` had at that TXID. */
  readonly past: readonly { readonly txid: string; readonly moments: number }[]
}

/** The reply of `POST /advance`: one more row in `moments`, and the TXID that has it. */
export interface Advanced {
  readonly txid: string
  readonly moments: number
}
