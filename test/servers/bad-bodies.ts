import type { ServerResponse } from 'node:http'
import { createGzip } from 'node:zlib'

const MIB = 1024 * 1024
const SPACES = Buffer.alloc(MIB, 32)

/** Bytes that were sent of a body; it goes on for as long as somebody takes it. */
export interface Sent {
  bytes: number
  /** True once nobody takes it any more. */
  left: boolean
  readonly compressed: boolean
}

/** A body without an end, as fast as it is taken. @param start its first bytes */
export function pour(response: ServerResponse, start = ''): Sent {
  const sent = track(response)
  if (start !== '') response.write(start)
  const more = (): void => {
    while (!sent.left) {
      sent.bytes += MIB
      if (!response.write(SPACES)) break
    }
    if (!sent.left) response.once('drain', more)
  }
  more()
  return sent
}

/** 4 GB of spaces in 4 MB. `bytes` counts them as they are before. */
export function bomb(response: ServerResponse, head: Readonly<Record<string, string>> = {}): Sent {
  const sent = track(response, true)
  response.writeHead(200, { ...head, 'content-encoding': 'gzip' })
  const gzip = createGzip()
  gzip.pipe(response)
  const more = (): void => {
    while (!sent.left && sent.bytes < 4096 * MIB) {
      sent.bytes += MIB
      if (!gzip.write(SPACES)) return void gzip.once('drain', more)
    }
    gzip.end()
  }
  more()
  return sent
}

/** So many bytes each so many ms, without an end. */
export function drip(response: ServerResponse, { bytes = 1, everyMs = 10 } = {}): Sent {
  const sent = track(response)
  const chunk = Buffer.alloc(bytes, 32)
  const timer = setInterval(() => {
    sent.bytes += bytes
    response.write(chunk)
  }, everyMs)
  response.on('close', () => clearInterval(timer))
  return sent
}

function track(response: ServerResponse, compressed = false): Sent {
  const sent = { bytes: 0, left: false, compressed }
  response.on('close', () => {
    sent.left = true
  })
  response.on('error', () => {})
  return sent
}
