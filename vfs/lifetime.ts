import { VfsError } from './engine/errors.ts'

/** A signal that ends with either of two. */
export interface LinkedSignal {
  readonly signal: AbortSignal
  /** It is needed no more. */
  release(): void
}

/** How long a database is open. Whatever waits meanwhile ends with it, with VFS_CLOSED. */
export class Lifetime {
  readonly #controller = new AbortController()
  /** Weak: who never closes a database that `at` made keeps nothing by it. */
  readonly #children = new Set<WeakRef<Lifetime>>()
  /** What its end does besides. A set, since a listener of a signal takes a microsecond. */
  readonly #atEnd = new Set<() => void>()
  readonly #linked: LinkedSignal = { signal: this.#controller.signal, release() {} }
  #ended = false

  get ended(): boolean {
    return this.#ended
  }

  /** One that ends with this one at the latest. */
  child(): Lifetime {
    for (const ref of this.#children) if (ref.deref() === undefined) this.#children.delete(ref)
    const child = new Lifetime()
    this.#children.add(new WeakRef(child))
    return child
  }

  end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#controller.abort(closed())
    for (const act of [...this.#atEnd]) act()
    for (const ref of this.#children) ref.deref()?.end()
    this.#children.clear()
  }

  /** @throws VfsError VFS_CLOSED */
  throwIfEnded(): void {
    if (this.#ended) throw closed()
  }

  /**
   * A signal that is aborted at the end, and when a caller's own is. Free of cost without one.
   * (`AbortSignal.any` takes 5 us, and what it makes is the garbage collector's.)
   */
  linked(own: AbortSignal | undefined): LinkedSignal {
    if (own === undefined) return this.#linked
    const controller = new AbortController()
    const abort = (): void => controller.abort(own.aborted ? own.reason : closed())
    if (own.aborted || this.#ended) {
      abort()
      return { signal: controller.signal, release() {} }
    }
    own.addEventListener('abort', abort, { once: true })
    this.#atEnd.add(abort)
    const release = (): void => {
      own.removeEventListener('abort', abort)
      this.#atEnd.delete(abort)
    }
    return { signal: controller.signal, release }
  }

  /**
   * Wait for work, but not beyond the end: not everything that is waited for can be told to stop.
   * @throws VfsError VFS_CLOSED, at once when it has ended
   */
  async during<T>(work: Promise<T>): Promise<T> {
    const { promise, reject } = Promise.withResolvers<never>()
    const end = (): void => reject(closed())
    if (this.#ended) end()
    else this.#atEnd.add(end)
    try {
      return await Promise.race([promise, work])
    } catch (error) {
      throw this.reason(error)
    } finally {
      this.#atEnd.delete(end)
    }
  }

  /** What an error is to the caller: that of something which was closed below is that this has ended. */
  reason(error: unknown): unknown {
    return this.#ended && !(error instanceof VfsError && error.code === 'VFS_CLOSED') ? closed(error) : error
  }
}

function closed(cause?: unknown): VfsError {
  return new VfsError('VFS_CLOSED', 'Cannot go on: the database has been closed', { cause })
}
