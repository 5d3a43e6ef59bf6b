import type { Scalar } from './scalar.ts'

/** A page number: from 1 on, as in SQLite's files; at most 2^32 - 2. */
export type Pgno = Scalar<number, 'pgno'>
