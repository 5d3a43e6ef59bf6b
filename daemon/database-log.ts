import type { Log, LogFields } from '../writer/index.ts'

/** Says of every line which database it is about. */
export class DatabaseLog implements Log {
  readonly #log: Log
  readonly #db: string

  constructor(log: Log, db: string) {
    this.#log = log
    this.#db = db
  }

  debug(message: string, fields?: LogFields): void {
    this.#log.debug(message, { db: this.#db, ...fields })
  }

  info(message: string, fields?: LogFields): void {
    this.#log.info(message, { db: this.#db, ...fields })
  }

  warn(message: string, fields?: LogFields): void {
    this.#log.warn(message, { db: this.#db, ...fields })
  }

  error(message: string, fields?: LogFields): void {
    this.#log.error(message, { db: this.#db, ...fields })
  }
}
