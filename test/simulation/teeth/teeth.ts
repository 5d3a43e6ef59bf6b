import type { Edit } from './edits.ts'

/** A fault that the reader had, or nearly had: the simulation must find it when it is there again. */
export interface Tooth {
  readonly fault: string
  /** Put the fault back. */
  readonly edits: readonly Edit[]
  /** Runs in which it is found at the latest, with room to spare. */
  readonly seeds: number
}

export const TEETH: readonly Tooth[] = [
  {
    fault: 'an exception is thrown through the frames of SQLite',
    seeds: 100,
    edits: [
      {
        file: 'vfs/engine/border.ts',
        find: `        this.fail(error)
        return onFailure
      }
    }
    return guarded as unknown as GuardedImport`,
        replace: `        throw error
      }
    }
    return guarded as unknown as GuardedImport`,
      },
    ],
  },
  {
    fault: 'a check that was given up takes the replica back to an older state',
    seeds: 150,
    edits: [
      {
        file: 'replica/state/state-tracker.ts',
        find: 'const onward = found.txid > current.txid || (found.txid === current.txid && gone === current)',
        replace: 'const onward = found !== gone',
      },
      {
        file: 'replica/state/state-tracker.ts',
        find: `const found = await orAborted(follower.advance(base, signal), signal)
      signal.throwIfAborted()`,
        replace: 'const found = await follower.advance(base, this.#options.signal)',
      },
    ],
  },
  {
    fault: 'a query fails with the budget of another one',
    seeds: 300,
    edits: [
      {
        file: 'replica/pages/fetch-job.ts',
        find: 'if (waiter.account !== account) continue',
        replace: '',
      },
    ],
  },
  {
    fault: 'a loaded schema is known by its cookie, which two databases share',
    seeds: 60,
    edits: [
      {
        file: 'vfs/connection/loaded-schema.ts',
        find: '(([pgno, { page }], i) => sameSchemaPage(pgno, page, pages[i]!))',
        replace: '(([pgno, { page }], i) => pgno > 1 || [40, 41, 42, 43].every((at) => page[at] === pages[i]?.[at]))',
      },
    ],
  },
  {
    fault: 'nobody notices that the bucket was begun anew',
    seeds: 60,
    edits: [
      {
        file: 'replica/state/standing.ts',
        find: "return found === checksum ? 'there' : 'other'",
        replace: "return 'there'",
      },
    ],
  },
  {
    fault: 'pages are cached under names that two beginnings of a bucket share',
    seeds: 100,
    edits: [
      {
        file: 'replica/state/source-file.ts',
        find: `\`\${this.key} \${info.size} \${checksum.toString(16)}\``,
        replace: `\`\${this.key} \${info.size}\``,
      },
    ],
  },
  {
    fault: 'SQLite keeps the pages of another state with the same TXID',
    seeds: 400,
    edits: [
      {
        file: 'vfs/engine/page-one.ts',
        find: 'view.setUint32(24, generation)',
        replace: 'view.setUint32(24, Number(state.txid))',
      },
      {
        file: 'vfs/engine/page-one.ts',
        find: 'view.setUint32(92, generation)',
        replace: 'view.setUint32(92, Number(state.txid) + 0 * generation)',
      },
    ],
  },
  {
    fault: 'hints follow b-tree pages that point at themselves, without a bound',
    seeds: 200,
    edits: [
      {
        file: 'replica/ahead/trees.ts',
        find: `    let at = pgno
    for (let height = 0; height < MAX_HEIGHT; height++) {
      const place = this.place(at)
      if (place === undefined) return undefined
      const sibling = place.parent.children[place.index + direction]
      if (sibling !== undefined) return this.#edge(sibling, height, direction)
      at = place.parent.pgno
    }
    return undefined`,
        replace: `    const place = this.place(pgno)
    if (place === undefined) return undefined
    const sibling = place.parent.children[place.index + direction]
    if (sibling !== undefined) return this.#edge(sibling, 0, direction)
    const cousin = this.neighbour(place.parent.pgno, direction)
    return cousin === undefined ? undefined : this.#edge(cousin, 1, direction)`,
      },
    ],
  },
  {
    fault: 'a PRAGMA stays on the connection for everybody',
    seeds: 60,
    edits: [{ file: 'vfs/connection/statement-actions.ts', find: 'if (!answers) this.lasting = true', replace: '' }],
  },
  {
    fault: 'an attached database stays on the connection for everybody',
    seeds: 150,
    edits: [
      {
        file: 'vfs/connection/statement-actions.ts',
        find: `      case ACTION.DETACH:
        this.lasting = true`,
        replace: '      case ACTION.DETACH:',
      },
    ],
  },
  {
    fault: 'BEGIN as a statement is run',
    seeds: 60,
    edits: [
      {
        file: 'vfs/connection/statement-actions.ts',
        find: `first() }
        return SQLITE_DENY`,
        replace: `first() }
        this.actions = NOTHING
        return SQLITE.OK`,
      },
      {
        file: 'vfs/connection/connection.ts',
        find: 'return this.#db !== 0 && this.engine.sqlite.sqlite3_get_autocommit(this.#db) === 0',
        replace: 'return false',
      },
    ],
  },
  {
    fault: 'onCost that throws takes the place of the result',
    seeds: 60,
    edits: [{ file: 'vfs/tell.ts', find: 'report(error)\n', replace: 'throw error\n' }],
  },
  {
    fault: 'a query waits for ever for a connection that its own transaction holds',
    seeds: 60,
    edits: [
      { file: 'vfs/connection/holder.ts', find: 'return stuck.size >= size', replace: 'return stuck.size > size' },
      {
        file: 'vfs/connection/connection-pool.ts',
        find: 'if (idle >= deadlockMs) refuse',
        replace: 'if (idle < 0) refuse',
      },
    ],
  },
  {
    fault: 'at() gives out a database that has been closed meanwhile',
    seeds: 150,
    edits: [
      {
        file: 'vfs/database.ts',
        find: `const result = await this.#life.during(work(signal))
      this.#life.throwIfEnded()`,
        replace: 'const result = await work(signal)',
      },
    ],
  },
  {
    fault: 'who waits for a connection does not hear its signal',
    seeds: 100,
    edits: [
      {
        file: 'vfs/connection/connection-pool.ts',
        find: `signal?.addEventListener('abort', abort, { once: true })
    const stopLooking`,
        replace: 'const stopLooking',
      },
    ],
  },
  {
    fault: 'what could be read without waiting is taken for the whole result',
    seeds: 150,
    edits: [
      {
        file: 'vfs/connection/lease.ts',
        find: `prepared.lastRun = result
      return undefined`,
        replace: 'return rows',
      },
    ],
  },
  {
    fault: 'who has given a query up waits until all is planned anew',
    seeds: 1200,
    edits: [
      {
        file: 'replica/pages/pinned-pages.ts',
        find: 'await this.#shared.replan(this.#source, signal)',
        replace: 'await this.#shared.replan(this.#source)',
      },
    ],
  },
]
