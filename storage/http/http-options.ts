import { atLeast, callback, flag, type Shape, textByName } from '../../arguments/index.ts'
import type { HttpOptions } from './connection.ts'

/** What the options of a web server may be. */
export const HTTP_OPTIONS: Shape<HttpOptions> = {
  fetch: callback,
  headers: textByName,
  idleTimeoutMs: atLeast(0),
  totalTimeoutMs: atLeast(0),
  events: flag,
}
