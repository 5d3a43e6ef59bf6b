/** A chunk of a file: its place in the cache. */
export interface ChunkName {
  /** The file's key, opaque. */
  readonly file: string
  readonly chunk: number
}

interface Saved {
  readonly version: 1
  readonly files: readonly string[]
  /** File (its place in `files`), chunk, bytes; the one that was left alone for the longest time first. */
  readonly chunks: readonly (readonly [number, number, number])[]
}

/** Which chunks there are, how large they are, and which was used last: the Cache API tells none of it. */
export class Directory {
  /** By `file` and chunk; in the order of their use. */
  readonly #bytes = new Map<string, number>()
  #total = 0

  get totalBytes(): number {
    return this.#total
  }

  has(name: ChunkName): boolean {
    return this.#bytes.has(textOf(name))
  }

  /** It is there, with so many bytes, and was used just now. */
  set(name: ChunkName, bytes: number): void {
    this.delete(name)
    this.#bytes.set(textOf(name), bytes)
    this.#total += bytes
  }

  /** It was used just now. */
  touch(name: ChunkName): void {
    const bytes = this.#bytes.get(textOf(name))
    if (bytes !== undefined) this.set(name, bytes)
  }

  delete(name: ChunkName): void {
    const bytes = this.#bytes.get(textOf(name))
    if (bytes === undefined) return
    this.#bytes.delete(textOf(name))
    this.#total -= bytes
  }

  /** Those to let go so that at most `maxBytes` are left: unused for longest first. */
  excess(maxBytes: number): ChunkName[] {
    const names: ChunkName[] = []
    let left = this.#total
    for (const [text, bytes] of this.#bytes) {
      if (left <= maxBytes) break
      names.push(nameOf(text))
      left -= bytes
    }
    return names
  }

  /** Take in what another tab has added: as if it had been used before all that is known here. */
  merge(other: Directory): void {
    const known = [...this.#bytes]
    this.#bytes.clear()
    this.#total = 0
    for (const [text, bytes] of [...other.#bytes, ...known]) this.set(nameOf(text), bytes)
  }

  /** As JSON. */
  save(): string {
    const files = new Map<string, number>()
    const chunks = [...this.#bytes].map(([text, bytes]) => {
      const { file, chunk } = nameOf(text)
      const place = files.get(file) ?? files.size
      files.set(file, place)
      return [place, chunk, bytes] as const
    })
    return JSON.stringify({ version: 1, files: [...files.keys()], chunks } satisfies Saved)
  }

  /** The reverse; empty when it is nothing that `save` has made. */
  static load(text: string): Directory {
    const directory = new Directory()
    try {
      const { version, files, chunks } = JSON.parse(text) as Saved
      if (version !== 1) return directory
      for (const [place, chunk, bytes] of chunks) directory.set({ file: files[place]!, chunk }, bytes)
    } catch {
      return new Directory()
    }
    return directory
  }
}

function textOf({ file, chunk }: ChunkName): string {
  return `${chunk} ${file}`
}

function nameOf(text: string): ChunkName {
  const space = text.indexOf(' ')
  return { chunk: Number(text.slice(0, space)), file: text.slice(space + 1) }
}
