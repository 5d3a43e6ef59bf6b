// A Cloudflare Worker that queries a replica in the R2 bucket that is bound to it: `GET /?customer=7`.
import { open, type R2BucketLike, r2Replica } from 'litetap'

interface Environment {
  readonly BUCKET: R2BucketLike
}

interface Context {
  waitUntil(work: Promise<unknown>): void
}

export default {
  async fetch(request: Request, { BUCKET }: Environment, context: Context): Promise<Response> {
    const customer = Number(new URL(request.url).searchParams.get('customer'))
    // Opened for this request: what one request waits for another may not share. Pages and the map of them are kept in
    // the Cache API, so that the next one opens with a request or two.
    const db = await open(r2Replica(BUCKET, 'shop'), { cache: { name: 'shop' } })
    try {
      const orders = await db.all('SELECT id, amount FROM orders WHERE customer = ? ORDER BY id', [customer])
      return Response.json({ orders, requests: db.stats().requests })
    } finally {
      context.waitUntil(db.close()) // what was read is stored after the answer
    }
  },
}
