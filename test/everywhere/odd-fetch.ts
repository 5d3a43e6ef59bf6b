// Ways in which `fetch` goes wrong, for one opening of a database.

/**
 * Every so many requests for a file's bytes something happens: a reply 503, no reply, a body that breaks off, and a body
 * that ends too soon, in turn.
 */
export function flakyFetch({ every }: { readonly every: number }): typeof fetch {
  let requests = 0
  let troubles = 0
  return async (input, init) => {
    const isFile = String(input).endsWith('.ltx')
    if (!isFile || ++requests % every > 0) return await fetch(input, init)
    switch (troubles++ % 4) {
      case 0:
        return new Response('busy', { status: 503 })
      case 1:
        throw new TypeError('the network is gone')
      case 2:
        return halfOf(await fetch(input, init), 'break off')
      default:
        return halfOf(await fetch(input, init), 'end')
    }
  }
}

async function halfOf(reply: Response, how: 'break off' | 'end'): Promise<Response> {
  const bytes = new Uint8Array(await reply.arrayBuffer())
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      if (bytes.length > 1) controller.enqueue(bytes.subarray(0, bytes.length >> 1))
      if (how === 'break off') controller.error(new TypeError('the connection was lost'))
      else controller.close()
    },
  })
  return new Response(body, { status: reply.status, headers: reply.headers })
}

/** Each request takes a while more; while `gone` is set, it fails after it. */
export function slowFetch(ms: number): { readonly fetch: typeof fetch; gone: boolean } {
  const slow = {
    gone: false,
    fetch: async (...args: Parameters<typeof fetch>): Promise<Response> => {
      await new Promise((resolve) => setTimeout(resolve, ms))
      if (slow.gone) throw new TypeError('gone')
      return await fetch(...args)
    },
  }
  return slow
}

/** Requests are let through until `hold` is called, and then some more; the rest waits for `release`, or for its signal. */
export function heldFetch(): {
  readonly fetch: typeof fetch
  /** @param after so many requests. @returns when one waits */
  hold(after?: number): Promise<void>
  release(): void
} {
  let gate:
    | { readonly open: Promise<void>; readonly release: () => void; readonly reached: () => void; left: number }
    | undefined
  return {
    fetch: async (input, init) => {
      if (gate && gate.left-- <= 0) {
        gate.reached()
        const aborted = new Promise<never>((_, reject) => {
          init?.signal?.addEventListener('abort', () => reject(init.signal!.reason), { once: true })
        })
        await Promise.race([gate.open, aborted])
      }
      return await fetch(input, init)
    },
    hold: (after = 0) => {
      const open = Promise.withResolvers<void>()
      const reached = Promise.withResolvers<void>()
      gate = { open: open.promise, release: open.resolve, reached: reached.resolve, left: after }
      return reached.promise
    },
    release: () => {
      gate?.release()
      gate = undefined
    },
  }
}
