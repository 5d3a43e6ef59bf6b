import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { StaticFile } from './settings.ts'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
}

/**
 * The files of a page, read into memory: `index.html` is at `/`, the others are at their names.
 * @param folder has no folders in it
 */
export async function pageFiles(folder: string): Promise<ReadonlyMap<string, StaticFile>> {
  const names = await readdir(folder)
  const files = names.map(async (name) => {
    const file = { body: await readFile(join(folder, name)), type: TYPES[extname(name)] ?? 'application/octet-stream' }
    return [name === 'index.html' ? '/' : `/${name}`, file] as const
  })
  return new Map(await Promise.all(files))
}
